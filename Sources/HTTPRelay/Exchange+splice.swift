internal import CShims
internal import Glibc
internal import Reactor

extension Exchange {
    /// Moves the rest of a body of known length from socket to socket through a kernel pipe.
    ///
    /// The pipe is filled only when it is empty, so "would block" always speaks of the socket: of a full pipe and an empty
    /// socket splice(2) says the same.
    func splice(from upstream: StreamSocket) async throws(RelayError) {
        guard let body else { return }
        guard let pipe = resources.takePipe() else {
            // No descriptors left: from now on this body is copied.
            body.mustBeCopied = true
            return
        }
        var held = 0
        defer { resources.giveBack(pipe, isEmpty: held == 0) }
        while body.remaining > 0 || held > 0 {
            if held == 0 {
                held = try await fill(pipe, from: upstream, atMost: body.remaining)
                body.moved(held)
            }
            held -= try await drain(pipe, atMost: held)
            guard sinceYield > configuration.budget else { continue }
            sinceYield = 0
            await resources.loop.yieldToPoll()
        }
    }

    /// - Returns: how many bytes lie in the pipe now, at least one.
    private func fill(_ pipe: Pipe, from upstream: StreamSocket, atMost limit: Int64) async throws(RelayError) -> Int {
        let wanted = Int(min(limit, Int64(pipe.capacity)))
        while true {
            guard upstream.descriptor >= 0 else { throw upstreamFailed(ReactorError(.closed, "closed")) }
            let count = shim_splice(upstream.descriptor, pipe.writeEnd, wanted)
            if count > 0 { return count }
            if count == 0 {
                throw upstreamFailed(ReactorError(.connectionReset, "the connection ended before the body did"))
            }
            switch errno {
            case EAGAIN:
                upstream.markReadDrained()
                try await waitForUpstream(upstream)
            case EINTR: continue
            default: throw upstreamFailed(ReactorError(errno: errno, during: "splice"))
            }
        }
    }

    /// - Returns: how many bytes the client took, at least one.
    private func drain(_ pipe: Pipe, atMost held: Int) async throws(RelayError) -> Int {
        while true {
            guard client.descriptor >= 0 else { throw clientFailed(ReactorError(.closed, "closed")) }
            let count = shim_splice(pipe.readEnd, client.descriptor, held)
            if count > 0 {
                sinceYield += count
                sentToClient += Int64(count)
                return count
            }
            switch errno {
            case EAGAIN:
                client.markWriteFull()
                try await waitForClient()
            case EINTR: continue
            default: throw clientFailed(ReactorError(errno: errno, during: "splice"))
            }
        }
    }
}
