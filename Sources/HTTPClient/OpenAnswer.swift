internal import Reactor

/// An answer whose head is there and whose body is read bit by bit. The server waits while nobody asks.
///
/// One call at a time. Ends with its last reference, or by `close()`.
public final class OpenAnswer: Sendable {
    /// Status and fields.
    public let head: OutboundHead
    private let port: CurlPort
    private let transfer: CurlTransfer

    init(head: OutboundHead, port: CurlPort, transfer: CurlTransfer) {
        self.head = head
        self.port = port
        self.transfer = transfer
    }

    deinit { close() }

    /// The next bytes.
    /// - Returns: at least one byte; nil at the body's end.
    /// - Throws: `HTTPClientError` when the answer broke off, `.cancelled` when the calling task was cancelled: then the
    ///   transfer is over.
    public func next() async throws(HTTPClientError) -> [UInt8]? {
        try await Self.whileCancellable(transfer, port) { [port, transfer] () async throws(HTTPClientError) in
            try await port.next(transfer)
        }
    }

    /// Ends the transfer; harmless after any end.
    public func close() {
        port.loop.execute { [port, transfer] in
            port.multi.abort(transfer, HTTPClientError(.cancelled, "the answer was not read to its end"))
        }
    }

    /// Runs a step of a transfer, which a cancellation of the calling task ends.
    static func whileCancellable<Value: Sendable>(
        _ transfer: CurlTransfer, _ port: CurlPort, _ work: () async throws(HTTPClientError) -> Value
    ) async throws(HTTPClientError) -> Value {
        let outcome: Result<Value, HTTPClientError> = await withTaskCancellationHandler {
            do throws(HTTPClientError) { return .success(try await work()) } catch { return .failure(error) }
        } onCancel: {
            port.loop.execute {
                port.multi.abort(transfer, HTTPClientError(.cancelled, "the calling task was cancelled"))
            }
        }
        return try outcome.get()
    }
}
