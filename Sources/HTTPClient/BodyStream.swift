/// The body of an answer, bit by bit. The server waits while nobody asks.
public struct BodyStream: Sendable {
    let port: CurlPort
    let transfer: CurlTransfer

    /// The next bytes.
    /// - Returns: at least one byte; nil at the body's end.
    /// - Throws: `HTTPClientError` when the answer broke off.
    public func next() async throws(HTTPClientError) -> [UInt8]? { try await port.next(transfer) }
}
