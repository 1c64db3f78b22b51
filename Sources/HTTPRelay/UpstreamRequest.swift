public import HTTPTypes

/// What is asked of an upstream, and what the client that waits for the answer can take.
public struct UpstreamRequest: Sendable {
    /// GET or HEAD.
    public var method: HTTPMethod
    /// Path and query as the upstream gets them, percent-encoded.
    public var target: String
    /// Fields to pass on. Hop-by-hop fields, Host, Expect and Content-Length among them are left out; the relay writes Host.
    public var fields: HTTPFields
    /// 1 for a client of HTTP/1.1, which understands chunks; 0 for HTTP/1.0.
    public var clientMinorVersion: Int
    /// Whether the client's connection may live on after the answer.
    public var clientKeepsAlive: Bool
    /// Whether Authorization and Cookie are kept back: what proves to us who the client is, is not for the upstream.
    public var withholdsCredentials = false
    /// Which of the answer's end-to-end fields the caller wants to see, by the name as it was written; nil: all of them.
    public var isShown: ResponseParser.FieldTest?

    /// A request.
    public init(
        method: HTTPMethod, target: String, fields: HTTPFields = [:], clientMinorVersion: Int = 1,
        clientKeepsAlive: Bool = true
    ) {
        self.method = method
        self.target = target
        self.fields = fields
        self.clientMinorVersion = clientMinorVersion
        self.clientKeepsAlive = clientKeepsAlive
    }

    /// Passes a client's request on under another target.
    /// - Parameters:
    ///   - request: whose method, fields and version are taken.
    ///   - target: path and query as the upstream gets them.
    public init(passing request: HTTPRequest, target: String) {
        let wantsClose = request.fields.listContains(.connection, "close")
        let wantsKeepAlive = request.minorVersion == 1 || request.fields.listContains(.connection, "keep-alive")
        self.init(
            method: request.method, target: target, fields: request.fields, clientMinorVersion: request.minorVersion,
            clientKeepsAlive: wantsKeepAlive && !wantsClose)
    }

    /// Appends the head as it goes over the wire.
    /// - Throws: `.invalidRequest` for another method, or for bytes in the target that could end the line.
    func write(to output: inout [UInt8], host: [UInt8]) throws(RelayError) {
        switch method {
        case .get: output.appendText("GET ")
        case .head: output.appendText("HEAD ")
        case .post, .put, .delete, .options, .patch, .other:
            throw RelayError(.invalidRequest, "only GET and HEAD are relayed, not \(method.name)")
        }
        var target = target
        let isPath = target.withUTF8 { target in
            output.append(contentsOf: target)
            return target.first == ASCII.slash && ASCII.areTarget(target)
        }
        guard isPath else { throw RelayError(.invalidRequest, "the target to relay is no path") }
        output.appendText(" HTTP/1.1\r\nHost: ")
        output.append(contentsOf: host)
        output.appendText("\r\n")
        if fields.contains(.connection) {
            let named = fields.values(.connection).flatMap { HopByHopFields.named(by: $0) }
            var passed = fields
            for name in named { passed.remove(name) }
            passed.write(to: &output) { !isWithheld($0) }
        } else {
            fields.write(to: &output) { !isWithheld($0) }
        }
        output.appendText("\r\n")
    }

    private func isWithheld(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
        HopByHopFields.isWithheldFromUpstream(name)
            || (withholdsCredentials && (ASCII.spells(name, "authorization") || ASCII.spells(name, "cookie")))
    }
}
