internal import Reactor

/// Where tasks of any executor meet libcurl: an actor on the loop.
actor CurlPort {
    nonisolated let loop: EventLoop
    nonisolated let multi: CurlMulti

    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    init(loop: EventLoop, multi: CurlMulti) {
        self.loop = loop
        self.multi = multi
    }

    /// Starts a transfer and waits for its answer's head.
    func start(_ transfer: CurlTransfer) async throws(HTTPClientError) -> OutboundHead {
        multi.start(transfer)
        while transfer.collector.head == nil, !transfer.isOver {
            await withCheckedContinuation { transfer.waitForHead($0) }
        }
        guard let head = transfer.collector.head else {
            if case .failure(let error) = transfer.outcome { throw error }
            throw HTTPClientError(.outcomeUnknown, "the server sent no complete answer")
        }
        return head
    }

    /// Waits for the end of a collected answer.
    func collect(_ transfer: CurlTransfer) async throws(HTTPClientError) -> [UInt8] {
        while !transfer.isOver { await withCheckedContinuation { transfer.waitForBody($0) } }
        if case .failure(let error) = transfer.outcome { throw error }
        return transfer.takeReceived()
    }

    /// Waits for the next bytes of a streamed answer; nil at its end.
    func next(_ transfer: CurlTransfer) async throws(HTTPClientError) -> [UInt8]? {
        while !transfer.hasReceived, !transfer.isOver {
            await withCheckedContinuation { transfer.waitForBody($0) }
        }
        if transfer.hasReceived { return transfer.takeReceived() }
        if case .failure(let error) = transfer.outcome { throw error }
        return nil
    }

    /// Hands over bytes of the request's body, none at its end, and waits while there is too much of it.
    /// - Returns: false when the transfer is over, and nobody wants more.
    func provide(_ bytes: [UInt8], to transfer: CurlTransfer) async -> Bool {
        guard !transfer.isOver else { return false }
        if transfer.provide(bytes), !transfer.isOver {
            await withCheckedContinuation { transfer.waitForRoom($0) }
        }
        return !transfer.isOver
    }

    /// Ends a transfer, if it goes on.
    func abort(_ transfer: CurlTransfer, _ error: HTTPClientError) { multi.abort(transfer, error) }

    /// Ends everything.
    func shutDown() { multi.shutDown() }
}
