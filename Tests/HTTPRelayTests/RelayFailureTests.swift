import HTTPRelay
import HTTPTypes
import Reactor
import TestSupport
import Testing

@Suite("Relaying when something breaks")
struct RelayFailureTests {
    private static let small = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

    @Test("a pooled connection that the upstream has closed meanwhile costs one retry, unseen by the client")
    func stale() async throws {
        try await LoopRunner.onLoop { loop in
            let harness = try RelayHarness(on: loop) { connection, number in
                _ = try await connection.readHead()
                try await connection.send(Self.small)
                guard number == 0 else { return await connection.untilPeerCloses() }
                // Dies only once the second request is there: the pool can't have noticed.
                _ = try await connection.readHead()
                connection.reset()
            }
            defer { harness.stop() }
            for _ in 0..<2 { #expect(try await harness.get().text.hasSuffix("hi")) }
            #expect(harness.server.connectionCount == 2)
        }
    }

    @Test("a fresh connection that dies without an answer is an error, not retried")
    func freshDies() async throws {
        try await LoopRunner.onLoop { loop in
            let harness = try RelayHarness(on: loop) { connection, _ in _ = try await connection.readHead() }
            defer { harness.stop() }
            let outcome = try await harness.get()
            #expect(outcome.error?.code == .upstreamClosed)
            #expect(outcome.error?.headWasSent == false)
            #expect(harness.server.connectionCount == 1)
        }
    }

    @Test("an idle connection that the upstream closes is forgotten at once")
    func idleClosed() async throws {
        try await LoopRunner.onLoop { loop in
            let harness = try RelayHarness(on: loop) { connection, _ in
                _ = try await connection.readHead()
                try await connection.send(Self.small)
            }
            defer { harness.stop() }
            for number in 1...2 {
                #expect(try await harness.get().text.hasSuffix("hi"))
                while harness.pool.idleCount > 0 { await loop.yieldToPoll() }
                #expect(harness.pool.connectionCount == 0)
                #expect(harness.server.connectionCount == number)
            }
        }
    }

    @Test("a connection idle beyond the limit isn't used again")
    func idleLimit() async throws {
        try await LoopRunner.onLoop { loop in
            var configuration = UpstreamPool.Configuration()
            configuration.idleLimit = .zero
            let harness = try RelayHarness(on: loop, pool: configuration) { connection, _ in
                while try await connection.readHead() != nil { try await connection.send(Self.small) }
            }
            defer { harness.stop() }
            for number in 1...2 {
                #expect(try await harness.get().text.hasSuffix("hi"))
                #expect(harness.server.connectionCount == number)
                await loop.yieldToPoll()
            }
        }
    }

    @Test(
        "an upstream that dies within the body cuts the client short of what the head said",
        arguments: ["Content-Length: 1000000", "Content-Length: 9", "Transfer-Encoding: chunked"])
    func diesMidBody(framing: String) async throws {
        try await LoopRunner.onLoop { loop in
            let harness = try RelayHarness(on: loop) { connection, _ in
                _ = try await connection.readHead()
                try await connection.send("HTTP/1.1 200 OK\r\n\(framing)\r\n\r\n5\r\nhello\r\n")
                if framing.hasSuffix("000") { try await connection.send([UInt8](repeating: 1, count: 500_000)) }
            }
            defer { harness.stop() }
            let outcome = try await harness.get()
            if framing == "Content-Length: 9" {
                // Ten bytes came where nine were announced: complete, with a surplus.
                #expect(outcome.end == .keepAlive)
                return
            }
            #expect(outcome.error?.code == .upstreamClosed)
            #expect(outcome.error?.headWasSent == true)
            #expect(!outcome.text.hasSuffix("0\r\n\r\n"))
        }
    }

    @Test("a client of HTTP/1.0 sees a reset, not an end, when an answer without length breaks off")
    func resetsOldClient() async throws {
        try await LoopRunner.onLoop { loop in
            let harness = try RelayHarness(on: loop) { connection, _ in
                _ = try await connection.readHead()
                try await connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
            }
            defer { harness.stop() }
            let (near, far) = try await ScriptedConnection.pair(on: loop)
            let result = await harness.run(
                UpstreamRequest(method: .get, target: "/", clientMinorVersion: 0), client: near)
            #expect(throws: RelayError.self) { try result.get() }
            near.close()
            await #expect(throws: ReactorError.self) { while try await !far.read(1).isEmpty {} }
            far.close()
        }
    }

    @Test("chunks that break within the body cut the client short", arguments: ["x\r\n", "5\r\nhelloworld"])
    func brokenChunks(chunks: String) async throws {
        try await LoopRunner.onLoop { loop in
            let harness = try RelayHarness(on: loop) { connection, _ in
                _ = try await connection.readHead()
                try await connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                await loop.yieldToPoll()
                await loop.yieldToPoll()
                try await connection.send(chunks)
                await connection.untilPeerCloses()
            }
            defer { harness.stop() }
            let outcome = try await harness.get()
            #expect(outcome.error?.code == .badAnswer)
            #expect(!outcome.text.hasSuffix("0\r\n\r\n"))
        }
    }

    @Test("an answer that is no HTTP is an error that the caller can still answer")
    func badAnswer() async throws {
        try await LoopRunner.onLoop { loop in
            let harness = try RelayHarness(on: loop) { connection, _ in
                _ = try await connection.readHead()
                try await connection.send("<html>oops</html>\r\n\r\n")
                await connection.untilPeerCloses()
            }
            defer { harness.stop() }
            let outcome = try await harness.get()
            #expect(outcome.error?.code == .badAnswer)
            #expect(outcome.received.isEmpty)
        }
    }

    @Test("a silent upstream times out, before the head and within the body", arguments: [false, true])
    func silent(afterHead: Bool) async throws {
        try await LoopRunner.onLoop { loop in
            var configuration = RelayConfiguration()
            configuration.headDeadline = afterHead ? .seconds(60) : .milliseconds(50)
            configuration.stallDeadline = afterHead ? .milliseconds(50) : .seconds(60)
            let harness = try RelayHarness(on: loop, relay: configuration) { connection, _ in
                _ = try await connection.readHead()
                if afterHead { try await connection.send("HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\nx") }
                await connection.untilPeerCloses()
            }
            defer { harness.stop() }
            let outcome = try await harness.get()
            #expect(outcome.error?.code == .timedOut)
            #expect(outcome.error?.headWasSent == afterHead)
        }
    }

    @Test("a client that takes nothing is given up at its deadline, spliced or copied", arguments: [false, true])
    func stuckClient(chunked: Bool) async throws {
        try await LoopRunner.onLoop { loop in
            var configuration = RelayConfiguration()
            configuration.clientDeadline = .milliseconds(50)
            let harness = try RelayHarness(on: loop, relay: configuration) { connection, _ in
                _ = try await connection.readHead()
                let framing = chunked ? "Transfer-Encoding: chunked\r\n\r\n7fffffff" : "Content-Length: 2147483647\r\n"
                try await connection.send("HTTP/1.1 200 OK\r\n\(framing)\r\n")
                let block = [UInt8](repeating: 7, count: 1_048_576)
                while true { try await connection.send(block) }
            }
            defer { harness.stop() }
            let (near, far) = try await ScriptedConnection.pair(on: loop)
            defer { near.close(); far.close() }
            guard case .failure(let error) = await harness.run(client: near) else {
                Issue.record("it ended well")
                return
            }
            #expect(error.code == .clientClosed)
            #expect(error.headWasSent)
        }
    }

    @Test("a client that leaves closes the upstream's connection at once", arguments: ["before", "during"])
    func clientLeaves(moment: String) async throws {
        try await LoopRunner.onLoop { loop in
            let (near, far) = try await ScriptedConnection.pair(on: loop)
            let leaving = LoopBound(far)
            let harness = try RelayHarness(on: loop) { connection, _ in
                _ = try await connection.readHead()
                if moment == "during" {
                    try await connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\nx")
                    _ = try await leaving.value.readHead()
                }
                leaving.value.close()
                // Hangs for ever if the relay keeps its connection.
                await connection.untilPeerCloses()
            }
            defer { harness.stop() }
            let error = await #expect(throws: RelayError.self) { try await harness.run(client: near).get() }
            #expect(error?.code == .clientClosed)
            #expect(harness.pool.connectionCount == 0)
            near.close()
        }
    }

    @Test("a port where nobody listens, and a name that doesn't exist, are connect errors")
    func cannotConnect() async throws {
        try await LoopRunner.onLoop { loop in
            let harness = try RelayHarness(on: loop) { _, _ in }
            harness.stop()
            #expect(try await harness.get().error?.code == .connect)
            let (near, far) = try await ScriptedConnection.pair(on: loop)
            defer { near.close(); far.close() }
            let pool = UpstreamPool(
                host: "no-such-host.invalid", port: 1, loop: loop, blockingPool: BlockingPool(threads: 1))
            let error = await #expect(throws: RelayError.self) {
                try await harness.relay.relay(
                    UpstreamRequest(method: .get, target: "/"), to: pool, client: near.socket
                ) { $0 }
            }
            #expect(error?.code == .connect)
        }
    }

    @Test("requests beyond the pool's limit wait for their turn, and all are served")
    func bounded() async throws {
        try await LoopRunner.onLoop { loop in
            var configuration = UpstreamPool.Configuration()
            configuration.maximumConnections = 2
            let harness = try RelayHarness(on: loop, pool: configuration) { connection, _ in
                while try await connection.readHead() != nil {
                    await loop.yieldToPoll()
                    try await connection.send(Self.small)
                }
            }
            defer { harness.stop() }
            let requests = (0..<20).map { _ in
                Task(executorPreference: loop) { try await harness.get().text.hasSuffix("hi") }
            }
            for request in requests { #expect(try await request.value) }
            #expect(harness.server.connectionCount == 2)
            #expect(harness.pool.connectionCount == 2)
        }
    }

    @Test("who gets no turn within the connect deadline is told so")
    func saturated() async throws {
        try await LoopRunner.onLoop { loop in
            var configuration = UpstreamPool.Configuration()
            configuration.maximumConnections = 1
            configuration.connectDeadline = .milliseconds(50)
            let harness = try RelayHarness(on: loop, pool: configuration) { connection, _ in
                _ = try await connection.readHead()
                await connection.untilPeerCloses()
            }
            defer { harness.stop() }
            let (near, far) = try await ScriptedConnection.pair(on: loop)
            let client = LoopBound(near)
            let first = Task(executorPreference: loop) { await harness.run(client: client.value) }
            while harness.server.connectionCount == 0 { await loop.yieldToPoll() }
            #expect(try await harness.get().error?.code == .saturated)
            far.close()
            guard case .failure(let error) = await first.value else {
                Issue.record("it ended well")
                return
            }
            #expect(error.code == .clientClosed)
            near.close()
        }
    }
}
