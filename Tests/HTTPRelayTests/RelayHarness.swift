import HTTPRelay
import HTTPTypes
import Reactor
import TestSupport

/// A scripted upstream, a relay before it, and clients whose every byte can be seen.
///
/// Invariant of `@unchecked Sendable`: made and used on one loop's thread only.
final class RelayHarness: @unchecked Sendable {
    let loop: EventLoop
    let server: ScriptedServer
    let pool: UpstreamPool
    let relay: Relay
    /// Bytes of the last exchange's body, as the relay counted them.
    private(set) var countedBytes: Int64 = -1

    init(
        on loop: EventLoop, pool: UpstreamPool.Configuration = .init(), relay: RelayConfiguration = .init(),
        upstream: @escaping ScriptedServer.Script
    ) throws {
        self.loop = loop
        server = try ScriptedServer(on: loop, script: upstream)
        self.pool = UpstreamPool(
            host: "127.0.0.1", port: server.address.port, loop: loop, blockingPool: BlockingPool(threads: 1),
            configuration: pool)
        self.relay = Relay(resources: RelayResources(loop: loop), configuration: relay)
    }

    /// What came of one exchange.
    struct Outcome: Sendable {
        /// Everything the client got.
        var received: [UInt8]
        /// How the relay ended.
        var result: Result<RelayEnd, RelayError>

        var text: String { String(decoding: received, as: UTF8.self) }
        var body: [UInt8] {
            let mark = Array("\r\n\r\n".utf8)
            let index = received.indices.first { received[$0...].starts(with: mark) }
            return index.map { Array(received[($0 + 4)...]) } ?? []
        }
        var error: RelayError? {
            if case .failure(let error) = result { error } else { nil }
        }
        var end: RelayEnd? {
            if case .success(let end) = result { end } else { nil }
        }
    }

    /// Relays one request for a client that reads everything.
    func get(
        _ request: UpstreamRequest = UpstreamRequest(method: .get, target: "/file"),
        rewriteHead: @escaping @Sendable (HTTPResponse) throws(RelayError) -> HTTPResponse = { $0 }
    ) async throws -> Outcome {
        let (near, far) = try await ScriptedConnection.pair(on: loop)
        let reader = LoopBound(far)
        let reading = Task(executorPreference: loop) { await reader.value.readToEnd() }
        let result = await run(request, client: near, rewriteHead: rewriteHead)
        near.close()
        let received = await reading.value
        far.close()
        return Outcome(received: received, result: result)
    }

    /// Relays one request to a client that the test drives.
    func run(
        _ request: UpstreamRequest = UpstreamRequest(method: .get, target: "/file"), client: ScriptedConnection,
        rewriteHead: (HTTPResponse) throws(RelayError) -> HTTPResponse = { $0 }
    ) async -> Result<RelayEnd, RelayError> {
        do throws(RelayError) {
            return .success(
                try await relay.relay(
                    request, to: pool, client: client.socket, onEnd: { countedBytes = $0 }, rewriteHead: rewriteHead))
        } catch { return .failure(error) }
    }

    func stop() {
        pool.closeIdle()
        server.stop()
    }
}
