public import HTTPTypes

/// A request to another server.
public struct OutboundRequest: Sendable {
    /// What goes along with it.
    public enum Body: Sendable {
        /// Nothing.
        case none
        /// Bytes in memory.
        case bytes([UInt8])
        /// A stream. Without a length it goes out in chunks, which not every server takes.
        case stream(length: Int64?, any BodySource)
        /// A form; its Content-Type and length are set by the client.
        case multipart([MultipartField])
    }

    /// How long the client waits.
    public struct Timeouts: Sendable {
        /// For the connection, TLS included.
        public var connect: Duration = .seconds(10)
        /// For all of it; nil for ever.
        public var total: Duration?
        /// Without a byte either way, in whole seconds; nil for ever.
        public var stall: Duration? = .seconds(60)
        /// The default time-outs.
        public init() {}
        /// Time-outs, all of them.
        public init(connect: Duration, total: Duration?, stall: Duration?) {
            self.connect = connect
            self.total = total
            self.stall = stall
        }
    }

    /// The method.
    public var method: HTTPMethod
    /// An http or https URL, percent-encoded.
    public var url: String
    /// Fields to send. Host, Content-Length and Transfer-Encoding are the client's business.
    public var fields: HTTPFields
    /// What goes along.
    public var body: Body
    /// How long to wait.
    public var timeouts = Timeouts()
    /// What addresses may be connected to; nil for all. Guarded requests use connections of their own, for a pooled one was
    /// opened without the guard's look.
    public var outboundGuard: OutboundGuard?
    /// Whether a connection is made for it. A pooled one may turn out dead once the body has left, and then nobody can tell what
    /// became of the request: for those that must not be repeated.
    public var needsOwnConnection = false
    /// How many redirects are followed, for requests without a body. An Authorization field doesn't go to another host.
    public var followRedirects = 0
    /// Whether the URL's path is sent as it stands, with its `.` and `..` segments: for keys of an object store, which are
    /// no paths, and for signatures over them.
    public var keepsPath = false
    /// How the server is identified.
    public var tls = TLSOptions()
    /// Bytes of a collected answer beyond which it fails with `.tooLarge`.
    public var maximumBody = 16 * 1_048_576

    /// A request.
    public init(_ method: HTTPMethod, _ url: String, fields: HTTPFields = [:], body: Body = .none) {
        self.method = method
        self.url = url
        self.fields = fields
        self.body = body
    }
}

/// How TLS identifies the server, and us.
public struct TLSOptions: Sendable, Hashable {
    /// PEM file of the authorities to trust; nil for the system's.
    public var authoritiesFile: String?
    /// PEM file of our certificate.
    public var certificateFile: String?
    /// PEM file of our key.
    public var keyFile: String?
    /// The name the server's certificate must bear, where it isn't the URL's host.
    public var serverName: String?
    /// Takes any certificate: for tests, and operators who say so.
    public var isInsecure = false

    /// The system's authorities, the URL's host.
    public init() {}
}
