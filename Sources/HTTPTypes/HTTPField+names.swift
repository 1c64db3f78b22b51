// Computed, not stored: a constant text costs no lazy initialisation at each use.
extension HTTPField.Name {
    /// `Accept`.
    public static var accept: Self { "Accept" }
    /// `Accept-Ranges`.
    public static var acceptRanges: Self { "Accept-Ranges" }
    /// `Access-Control-Allow-Headers`.
    public static var accessControlAllowHeaders: Self { "Access-Control-Allow-Headers" }
    /// `Access-Control-Allow-Methods`.
    public static var accessControlAllowMethods: Self { "Access-Control-Allow-Methods" }
    /// `Access-Control-Allow-Origin`.
    public static var accessControlAllowOrigin: Self { "Access-Control-Allow-Origin" }
    /// `Access-Control-Expose-Headers`.
    public static var accessControlExposeHeaders: Self { "Access-Control-Expose-Headers" }
    /// `Access-Control-Max-Age`.
    public static var accessControlMaxAge: Self { "Access-Control-Max-Age" }
    /// `Access-Control-Request-Headers`.
    public static var accessControlRequestHeaders: Self { "Access-Control-Request-Headers" }
    /// `Access-Control-Request-Method`.
    public static var accessControlRequestMethod: Self { "Access-Control-Request-Method" }
    /// `Allow`.
    public static var allow: Self { "Allow" }
    /// `Authorization`.
    public static var authorization: Self { "Authorization" }
    /// `Cache-Control`.
    public static var cacheControl: Self { "Cache-Control" }
    /// `Connection`.
    public static var connection: Self { "Connection" }
    /// `Content-Disposition`.
    public static var contentDisposition: Self { "Content-Disposition" }
    /// `Content-Encoding`.
    public static var contentEncoding: Self { "Content-Encoding" }
    /// `Content-Length`.
    public static var contentLength: Self { "Content-Length" }
    /// `Content-Range`.
    public static var contentRange: Self { "Content-Range" }
    /// `Content-Type`.
    public static var contentType: Self { "Content-Type" }
    /// `Cookie`.
    public static var cookie: Self { "Cookie" }
    /// `Date`.
    public static var date: Self { "Date" }
    /// `ETag`.
    public static var etag: Self { "ETag" }
    /// `Expect`.
    public static var expect: Self { "Expect" }
    /// `Forwarded`.
    public static var forwarded: Self { "Forwarded" }
    /// `Host`.
    public static var host: Self { "Host" }
    /// `If-Match`.
    public static var ifMatch: Self { "If-Match" }
    /// `If-Modified-Since`.
    public static var ifModifiedSince: Self { "If-Modified-Since" }
    /// `If-None-Match`.
    public static var ifNoneMatch: Self { "If-None-Match" }
    /// `If-Range`.
    public static var ifRange: Self { "If-Range" }
    /// `If-Unmodified-Since`.
    public static var ifUnmodifiedSince: Self { "If-Unmodified-Since" }
    /// `Keep-Alive`.
    public static var keepAlive: Self { "Keep-Alive" }
    /// `Last-Modified`.
    public static var lastModified: Self { "Last-Modified" }
    /// `Location`.
    public static var location: Self { "Location" }
    /// `Origin`.
    public static var origin: Self { "Origin" }
    /// `Proxy-Authenticate`.
    public static var proxyAuthenticate: Self { "Proxy-Authenticate" }
    /// `Proxy-Authorization`.
    public static var proxyAuthorization: Self { "Proxy-Authorization" }
    /// `Proxy-Connection`.
    public static var proxyConnection: Self { "Proxy-Connection" }
    /// `Range`.
    public static var range: Self { "Range" }
    /// `Referer`.
    public static var referer: Self { "Referer" }
    /// `Retry-After`.
    public static var retryAfter: Self { "Retry-After" }
    /// `Server`.
    public static var server: Self { "Server" }
    /// `Set-Cookie`.
    public static var setCookie: Self { "Set-Cookie" }
    /// `TE`.
    public static var te: Self { "TE" }
    /// `Trailer`.
    public static var trailer: Self { "Trailer" }
    /// `Transfer-Encoding`.
    public static var transferEncoding: Self { "Transfer-Encoding" }
    /// `Upgrade`.
    public static var upgrade: Self { "Upgrade" }
    /// `User-Agent`.
    public static var userAgent: Self { "User-Agent" }
    /// `Vary`.
    public static var vary: Self { "Vary" }
    /// `Via`.
    public static var via: Self { "Via" }
    /// `WWW-Authenticate`.
    public static var wwwAuthenticate: Self { "WWW-Authenticate" }
    /// `X-Content-Type-Options`.
    public static var xContentTypeOptions: Self { "X-Content-Type-Options" }
    /// `X-Forwarded-For`.
    public static var xForwardedFor: Self { "X-Forwarded-For" }
    /// `X-Forwarded-Host`.
    public static var xForwardedHost: Self { "X-Forwarded-Host" }
    /// `X-Forwarded-Proto`.
    public static var xForwardedProto: Self { "X-Forwarded-Proto" }
    /// `X-Request-ID`.
    public static var xRequestID: Self { "X-Request-ID" }
}
