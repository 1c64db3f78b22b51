internal import Backends
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
    private final class Shelf: @unchecked Sendable {
        let loop: EventLoop
        let relay: Relay
        var pools: [BackendName: UpstreamPool] = [:]

        init(loop: EventLoop) {
            self.loop = loop
            relay = Relay(resources: RelayResources(loop: loop))
        }
    }

    private let shelves: [ObjectIdentifier: Shelf]
    private let blockingPool: BlockingPool

    /// - Parameters:
    ///   - loops: the loops that serve clients.
    ///   - blockingPool: where names are looked up.
    init(loops: [EventLoop], blockingPool: BlockingPool) {
        self.blockingPool = blockingPool
        var shelves: [ObjectIdentifier: Shelf] = [:]
        for loop in loops {
            shelves[ObjectIdentifier(loop)] = Shelf(loop: loop)
        }
        self.shelves = shelves
    }

    /// Closes the idle connections, each on its loop, once no request is relayed any more.
    func close() async {
        for shelf in shelves.values {
            await Task(executorPreference: shelf.loop) { shelf.pools = [:] }.value
        }
    }

    /// Relays one request on the loop that serves its client.
    func relay(
        _ request: UpstreamRequest, to source: DownloadSource, of backend: BackendName, client: StreamSocket,
        onEnd: (_ bodyBytes: Int64) -> Void,
        rewriteHead: (HTTPResponse) throws(RelayError) -> HTTPResponse
    ) async throws(RelayError) -> RelayEnd {
        precondition(client.loop.isCurrent, "a relay belongs to its client's loop")
        guard let shelf = shelves[ObjectIdentifier(client.loop)] else {
            throw RelayError(.connect, "this loop serves no downloads")
        }
        let pool =
            shelf.pools[backend]
            ?? UpstreamPool(
                host: source.host, port: source.port, loop: client.loop, blockingPool: blockingPool)
        shelf.pools[backend] = pool
        return try await shelf.relay.relay(
            request, to: pool, client: client, onEnd: onEnd, rewriteHead: rewriteHead)
    }
}
