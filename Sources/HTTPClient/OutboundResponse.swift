public import HTTPTypes

/// The head of an answer.
public struct OutboundHead: Sendable {
    /// The status code.
    public var status: Int
    /// The fields of the last answer, redirects and interim answers left out.
    public var fields: HTTPFields

    /// A head.
    public init(status: Int, fields: HTTPFields = [:]) {
        self.status = status
        self.fields = fields
    }
}

/// An answer with its whole body.
public struct OutboundResponse: Sendable {
    /// The status code.
    public var status: Int
    /// The fields.
    public var fields: HTTPFields
    /// The body.
    public var body: [UInt8]

    /// An answer.
    public init(status: Int, fields: HTTPFields = [:], body: [UInt8] = []) {
        self.status = status
        self.fields = fields
        self.body = body
    }
}
