/// Writes the body of an answer in pieces, waiting for clients that read slowly.
///
/// When the handler returns without `finish()`, the connection is cut short, so that the client doesn't take a part for
/// the whole.
public struct BodyWriter: ~Copyable {
    private let connection: Connection

    init(connection: Connection) { self.connection = connection }

    /// Sends these bytes; suspends while the client doesn't read.
    ///
    /// Small pieces of one turn of the loop go out together.
    /// - Throws: `wrongLength` for more than was announced, `connectionLost`, `clientTooSlow`.
    public mutating func write(_ bytes: UnsafeRawBufferPointer) async throws(HTTPServerError) {
        try await connection.writeBody(bytes)
    }

    /// Sends these bytes; suspends while the client doesn't read.
    public mutating func write(_ bytes: [UInt8]) async throws(HTTPServerError) {
        try await connection.writeBody(bytes)
    }

    /// Ends the body.
    /// - Throws: `wrongLength` for less than was announced, `connectionLost`, `clientTooSlow`.
    public consuming func finish() async throws(HTTPServerError) { try await connection.finishBody() }
}
