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
        let exchange = exchange(request, pool, client)
        defer { onEnd(exchange.bodyBytesSent) }
        let previous = client.onPeerClose
        client.onPeerClose = {
            exchange.clientLeft()
            previous?()
        }
        defer { client.onPeerClose = client.peerHasClosed ? nil : previous }
        do throws(RelayError) {
            return try await attempt(exchange, fresh: false, rewriteHead)
        } catch {
            guard exchange.metDeadConnection(error) else { throw error }
        }
        return try await attempt(exchange, fresh: true, rewriteHead)
    }

    private func exchange(_ request: UpstreamRequest, _ pool: UpstreamPool, _ client: StreamSocket) -> Exchange {
        Exchange(
            request: request, pool: pool, client: client, resources: resources, configuration: configuration)
    }

    // MARK: Without a task

    /// Asks over an idle connection, and has the loop pass the answer back as it comes: no task is woken for it as long as there is
    /// nothing but the upstream to wait for.
    /// - Parameters:
    ///   - request: what to ask.
    ///   - pool: the upstream's connections, of the same loop.
    ///   - client: gets head and body. Its `onPeerClose`, which must be free, is used meanwhile.
    ///   - owner: told once, later, that the exchange is over or has to be finished.
    /// - Returns: nil where there is something to wait for at once, or something wrong; nothing has gone to the client then, and
    ///   `relay` may be asked for the same.
    public func begin(
        _ request: UpstreamRequest, to pool: UpstreamPool, client: StreamSocket, owner: any ExchangeOwner
    ) -> Exchange? {
        guard !client.peerHasClosed, let connection = pool.takeIdle() else { return nil }
        let exchange = exchange(request, pool, client)
        do throws(RelayError) { try exchange.ask(over: connection) } catch {
            pool.giveBack(connection, reusable: false)
            return nil
        }
        guard case .step = exchange.next else {
            pool.giveBack(connection, reusable: false)
            return nil
        }
        exchange.detach(connection, to: owner)
        return exchange
    }

    /// Sees to the rest of an exchange that `begin` began, wherever it is: in a task, whose owner is no longer told of anything.
    /// - Returns: whether another request may follow on the client's connection.
    /// - Throws: as `relay`.
    public func finish(_ exchange: Exchange, for owner: any ExchangeOwner) async throws(RelayError) -> RelayEnd {
        if let end = exchange.end { return end }
        exchange.attach()
        let client = exchange.client
        defer { client.onPeerClose = nil }
        guard let connection = exchange.connection else {
            throw RelayError(.invalidRequest, "an exchange is finished that has not begun")
        }
        do throws(RelayError) {
            return try await goOn(exchange, over: connection) { head throws(RelayError) in try owner.rewrite(head) }
        } catch {
            guard exchange.metDeadConnection(error) else { throw error }
        }
        return try await attempt(exchange, fresh: true) { head throws(RelayError) in try owner.rewrite(head) }
    }

    // MARK: Attempts

    private func attempt(
        _ exchange: Exchange, fresh: Bool, _ rewriteHead: (HTTPResponse) throws(RelayError) -> HTTPResponse
    ) async throws(RelayError) -> RelayEnd {
        // Without a wait where there is a choice: most requests find an idle connection.
        let idle = fresh ? nil : exchange.pool.takeIdle()
        let connection = if let idle { idle } else { try await exchange.pool.connection(fresh: fresh) }
        do throws(RelayError) { try exchange.ask(over: connection) } catch {
            exchange.pool.giveBack(connection, reusable: false)
            throw error
        }
        return try await goOn(exchange, over: connection, rewriteHead)
    }

    private func goOn(
        _ exchange: Exchange, over connection: UpstreamConnection,
        _ rewriteHead: (HTTPResponse) throws(RelayError) -> HTTPResponse
    ) async throws(RelayError) -> RelayEnd {
        do throws(RelayError) {
            let end = try await exchange.goOn(over: connection.socket, rewriteHead)
            exchange.pool.giveBack(connection, reusable: exchange.leavesUpstreamReusable)
            return end
        } catch {
            exchange.pool.giveBack(connection, reusable: false)
            throw error
        }
    }
}
