public import HTTPTypes
public import Reactor

/// Passes requests to upstreams and their answers to clients, without holding a body.
///
/// After the head has gone out nothing can be said any more: a failure then is thrown with `headWasSent`, and the caller
/// has to close the client's connection short of what the head announced.
public struct Relay {
    private let resources: RelayResources
    private let configuration: RelayConfiguration

    /// A relay on a loop.
    /// - Parameters:
    ///   - resources: of the loop that the clients and pools live on.
    ///   - configuration: deadlines and sizes.
    public init(resources: RelayResources, configuration: RelayConfiguration = RelayConfiguration()) {
        self.resources = resources
        self.configuration = configuration
    }

    /// Passes one request on and its answer back.
    /// - Parameters:
    ///   - request: what to ask; its body, if it had one, is read by now.
    ///   - pool: the upstream's connections, of the same loop.
    ///   - client: gets head and body. Its `onPeerClose` is used meanwhile: when the client leaves, the upstream's connection
    ///     closes at once.
    ///   - onEnd: told, whatever the end, how many bytes of the body the client's socket took.
    ///   - rewriteHead: gets the answer's head without hop-by-hop fields and Content-Length, which the relay writes; returns
    ///     the head that the client is to see. It may throw to refuse the answer, which then is not passed on.
    /// - Returns: whether another request may follow on the client's connection.
    /// - Throws: `RelayError`; with `headWasSent` false the caller may still answer by itself.
    public func relay(
        _ request: UpstreamRequest, to pool: UpstreamPool, client: StreamSocket,
        onEnd: (_ bodyBytes: Int64) -> Void = { _ in },
        rewriteHead: (HTTPResponse) throws(RelayError) -> HTTPResponse
    ) async throws(RelayError) -> RelayEnd {
        let exchange = Exchange(request: request, client: client, resources: resources, configuration: configuration)
        defer { onEnd(exchange.bodyBytesSent) }
        let previous = client.onPeerClose
        client.onPeerClose = {
            exchange.clientLeft()
            previous?()
        }
        defer { client.onPeerClose = client.peerHasClosed ? nil : previous }
        do throws(RelayError) {
            return try await attempt(exchange, pool, fresh: false, rewriteHead)
        } catch {
            guard exchange.metDeadConnection(error) else { throw error }
        }
        return try await attempt(exchange, pool, fresh: true, rewriteHead)
    }

    private func attempt(
        _ exchange: Exchange, _ pool: UpstreamPool, fresh: Bool,
        _ rewriteHead: (HTTPResponse) throws(RelayError) -> HTTPResponse
    ) async throws(RelayError) -> RelayEnd {
        // Without a wait where there is a choice: most requests find an idle connection.
        let idle = fresh ? nil : pool.takeIdle()
        let connection = if let idle { idle } else { try await pool.connection(fresh: fresh) }
        do throws(RelayError) {
            let end = try await exchange.run(on: connection, host: pool.hostField, rewriteHead)
            pool.giveBack(connection, reusable: exchange.leavesUpstreamReusable)
            return end
        } catch {
            pool.giveBack(connection, reusable: false)
            throw error
        }
    }
}
