/// A status code with the phrase that goes beside it (RFC 9110 §15).
public struct HTTPStatus: Sendable, Hashable, CustomStringConvertible {
    /// The code, 100…999.
    public let code: Int

    /// The status of that code; a code outside 100…999 becomes 500, for it can't be sent.
    public init(_ code: Int) { self.code = (100...999).contains(code) ? code : 500 }

    /// Code and phrase.
    public var description: String { "\(code) \(reason)" }

    /// Appends the line that begins an answer's head.
    public func writeLine(to output: inout [UInt8]) {
        if code == 200 { return output.appendText("HTTP/1.1 200 OK\r\n") }
        output.appendText("HTTP/1.1 ")
        output.appendDecimal(Int64(code))
        output.append(ASCII.space)
        output.append(contentsOf: reason.utf8)
        output.appendText("\r\n")
    }

    /// True for 1xx, 204 and 304: these never have a body (RFC 9112 §6.3).
    public var hasNoBody: Bool { code < 200 || code == 204 || code == 304 }
    /// 100 Continue.
    public static var `continue`: Self { HTTPStatus(100) }
    /// 101 Switching Protocols.
    public static var switchingProtocols: Self { HTTPStatus(101) }
    /// 200 OK.
    public static var ok: Self { HTTPStatus(200) }
    /// 201 Created.
    public static var created: Self { HTTPStatus(201) }
    /// 202 Accepted.
    public static var accepted: Self { HTTPStatus(202) }
    /// 204 No Content.
    public static var noContent: Self { HTTPStatus(204) }
    /// 205 Reset Content.
    public static var resetContent: Self { HTTPStatus(205) }
    /// 206 Partial Content.
    public static var partialContent: Self { HTTPStatus(206) }
    /// 301 Moved Permanently.
    public static var movedPermanently: Self { HTTPStatus(301) }
    /// 302 Found.
    public static var found: Self { HTTPStatus(302) }
    /// 303 See Other.
    public static var seeOther: Self { HTTPStatus(303) }
    /// 304 Not Modified.
    public static var notModified: Self { HTTPStatus(304) }
    /// 307 Temporary Redirect.
    public static var temporaryRedirect: Self { HTTPStatus(307) }
    /// 308 Permanent Redirect.
    public static var permanentRedirect: Self { HTTPStatus(308) }
    /// 400 Bad Request.
    public static var badRequest: Self { HTTPStatus(400) }
    /// 401 Unauthorized.
    public static var unauthorized: Self { HTTPStatus(401) }
    /// 403 Forbidden.
    public static var forbidden: Self { HTTPStatus(403) }
    /// 404 Not Found.
    public static var notFound: Self { HTTPStatus(404) }
    /// 405 Method Not Allowed.
    public static var methodNotAllowed: Self { HTTPStatus(405) }
    /// 406 Not Acceptable.
    public static var notAcceptable: Self { HTTPStatus(406) }
    /// 408 Request Timeout.
    public static var requestTimeout: Self { HTTPStatus(408) }
    /// 409 Conflict.
    public static var conflict: Self { HTTPStatus(409) }
    /// 410 Gone.
    public static var gone: Self { HTTPStatus(410) }
    /// 411 Length Required.
    public static var lengthRequired: Self { HTTPStatus(411) }
    /// 412 Precondition Failed.
    public static var preconditionFailed: Self { HTTPStatus(412) }
    /// 413 Content Too Large.
    public static var contentTooLarge: Self { HTTPStatus(413) }
    /// 414 URI Too Long.
    public static var uriTooLong: Self { HTTPStatus(414) }
    /// 415 Unsupported Media Type.
    public static var unsupportedMediaType: Self { HTTPStatus(415) }
    /// 416 Range Not Satisfiable.
    public static var rangeNotSatisfiable: Self { HTTPStatus(416) }
    /// 417 Expectation Failed.
    public static var expectationFailed: Self { HTTPStatus(417) }
    /// 421 Misdirected Request.
    public static var misdirectedRequest: Self { HTTPStatus(421) }
    /// 422 Unprocessable Content.
    public static var unprocessableContent: Self { HTTPStatus(422) }
    /// 429 Too Many Requests.
    public static var tooManyRequests: Self { HTTPStatus(429) }
    /// 431 Request Header Fields Too Large.
    public static var requestHeaderFieldsTooLarge: Self { HTTPStatus(431) }
    /// 500 Internal Server Error.
    public static var internalServerError: Self { HTTPStatus(500) }
    /// 501 Not Implemented.
    public static var notImplemented: Self { HTTPStatus(501) }
    /// 502 Bad Gateway.
    public static var badGateway: Self { HTTPStatus(502) }
    /// 503 Service Unavailable.
    public static var serviceUnavailable: Self { HTTPStatus(503) }
    /// 504 Gateway Timeout.
    public static var gatewayTimeout: Self { HTTPStatus(504) }
    /// 505 HTTP Version Not Supported.
    public static var httpVersionNotSupported: Self { HTTPStatus(505) }
    /// 507 Insufficient Storage.
    public static var insufficientStorage: Self { HTTPStatus(507) }

    /// The usual phrase, "" for an unknown code; people read it, clients don't.
    public var reason: String {
        switch code {
        case 100: "Continue"
        case 101: "Switching Protocols"
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 205: "Reset Content"
        case 206: "Partial Content"
        case 301: "Moved Permanently"
        case 302: "Found"
        case 303: "See Other"
        case 304: "Not Modified"
        case 307: "Temporary Redirect"
        case 308: "Permanent Redirect"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 406: "Not Acceptable"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 410: "Gone"
        case 411: "Length Required"
        case 412: "Precondition Failed"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 416: "Range Not Satisfiable"
        case 417: "Expectation Failed"
        case 421: "Misdirected Request"
        case 422: "Unprocessable Content"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        case 507: "Insufficient Storage"
        default: ""
        }
    }
}
