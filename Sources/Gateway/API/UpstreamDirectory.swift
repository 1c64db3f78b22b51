internal import Backends
internal import HTTPClient
internal import HTTPRelay
internal import HTTPTypes
internal import Model
internal import Reactor
import Synchronization

/// The upstream pools: one for each loop and backend, made when first needed.
///
/// Invariant of `@unchecked Sendable`: a pool, a relay and their table are made on their loop and used on it only; the outer table
/// is filled before the listeners open and then only read.
final class UpstreamDirectory: @unchecked Sendable {
    /// Invariant of `@unchecked Sendable`: touched on its loop only, but for its making.
    fileprivate final class Shelf: @unchecked Sendable {
        /// A backend's connections, with where they lead to.
        final class Known {
            let backend: BackendName
            let host: String
            let port: UInt16
            let pool: UpstreamPool
            let relayed: UpstreamCounts.Relayed

            init(
                _ backend: BackendName, host: String, port: UInt16, pool: UpstreamPool, relayed: UpstreamCounts.Relayed
            ) {
                self.backend = backend
                self.host = host
                self.port = port
                self.pool = pool
                self.relayed = relayed
            }
        }

        let loop: EventLoop
        let relay: Relay
        /// With where it is: a backend of the same name may be elsewhere later.
        var pools: [BackendName: Known] = [:]
        /// The one that was asked last: who downloads a task asks the same one again.
        @exclusivity(unchecked) var last: Known?
        /// For backends that are reached by TLS; a loop's first such download makes it.
        var client: CurlClient?

        init(loop: EventLoop) {
            self.loop = loop
            relay = Relay(resources: RelayResources(loop: loop))
        }
    }

    private let shelves: [Shelf]
    private let blockingPool: BlockingPool
    private let metrics: UpstreamMetrics

    /// - Parameters:
    ///   - loops: the loops that serve clients.
    ///   - blockingPool: where names are looked up.
    ///   - metrics: counts the downloads.
    init(loops: [EventLoop], blockingPool: BlockingPool, metrics: UpstreamMetrics) {
        self.blockingPool = blockingPool
        self.metrics = metrics
        shelves = loops.map { Shelf(loop: $0) }
    }

    /// There are as many as processors: looking through them takes less than hashing.
    private func shelf(of loop: EventLoop) -> Shelf? { shelves.first { $0.loop === loop } }

    /// The client for backends that are reached by TLS, on the current loop.
    func client(on loop: EventLoop) -> CurlClient {
        precondition(loop.isCurrent, "a download belongs to its client's loop")
        let shelf = shelf(of: loop)
        if let client = shelf?.client { return client }
        var configuration = CurlClient.Configuration()
        // A download lasts as long as its client likes: none waits for another one's end.
        configuration.connectionsPerHost = 0
        let client = CurlClient(loop: loop, configuration: configuration)
        shelf?.client = client
        return client
    }

    /// Closes the idle connections, each on its loop, once no request is relayed any more.
    func close() async {
        for shelf in shelves {
            let client = await Task(executorPreference: shelf.loop) {
                shelf.pools = [:]
                shelf.last = nil
                return shelf.client
            }.value
            await client?.close()
        }
    }

    /// Relays one request on the loop that serves its client.
    func relay(
        _ request: UpstreamRequest, to source: DownloadSource, of backend: BackendName, client: StreamSocket,
        onEnd: (_ bodyBytes: Int64) -> Void,
        rewriteHead: (HTTPResponse) throws(RelayError) -> HTTPResponse
    ) async throws(RelayError) -> RelayEnd {
        precondition(client.loop.isCurrent, "a relay belongs to its client's loop")
        guard let shelf = shelf(of: client.loop) else {
            throw RelayError(.connect, "this loop serves no downloads")
        }
        let known = known(backend, at: source, on: shelf)
        let begin = MonotonicTime.now()
        do throws(RelayError) {
            let end = try await shelf.relay.relay(
                request, to: known.pool, client: client, onEnd: onEnd, rewriteHead: rewriteHead)
            known.relayed.note(nil, since: begin)
            return end
        } catch {
            known.relayed.note(error.code, since: begin)
            throw error
        }
    }

    /// A request that began without a wait; lives on its client's loop.
    struct Begun {
        let exchange: Exchange
        private let shelf: Shelf
        private let known: Shelf.Known
        private let begin: MonotonicTime

        fileprivate init(_ exchange: Exchange, _ shelf: Shelf, _ known: Shelf.Known, begin: MonotonicTime) {
            self.exchange = exchange
            self.shelf = shelf
            self.known = known
            self.begin = begin
        }

        /// Counts it.
        /// - Parameter code: why it broke off; nil where it didn't.
        func isOver(_ code: RelayError.Code?) { known.relayed.note(code, since: begin) }

        /// Sees to the rest in a task.
        func finish(for owner: any ExchangeOwner) async throws(RelayError) -> RelayEnd {
            let isCounted = exchange.isOver
            do throws(RelayError) {
                let end = try await shelf.relay.finish(exchange, for: owner)
                if !isCounted { isOver(nil) }
                return end
            } catch {
                isOver(error.code)
                throw error
            }
        }
    }

    /// Relays one request without a task, on the loop that serves its client.
    /// - Returns: nil where there is something to wait for at once.
    func begin(
        _ request: UpstreamRequest, to source: DownloadSource, of backend: BackendName, client: StreamSocket,
        owner: any ExchangeOwner
    ) -> Begun? {
        guard let shelf = shelf(of: client.loop) else { return nil }
        let known = known(backend, at: source, on: shelf)
        let begin = MonotonicTime.now()
        guard let exchange = shelf.relay.begin(request, to: known.pool, client: client, owner: owner) else {
            return nil
        }
        return Begun(exchange, shelf, known, begin: begin)
    }

    private func known(_ backend: BackendName, at source: DownloadSource, on shelf: Shelf) -> Shelf.Known {
        if let last = shelf.last, last.backend == backend, last.port == source.port, last.host == source.host {
            return last
        }
        let before = shelf.pools[backend]
        if let before, before.port == source.port, before.host == source.host {
            shelf.last = before
            return before
        }
        let relayed = before?.relayed ?? metrics.counts(of: backend).makeRelayed()
        let pool = UpstreamPool(
            host: source.host, port: source.port, loop: shelf.loop, blockingPool: blockingPool,
            counts: relayed.connections)
        let known = Shelf.Known(backend, host: source.host, port: source.port, pool: pool, relayed: relayed)
        shelf.pools[backend] = known
        shelf.last = known
        return known
    }
}
