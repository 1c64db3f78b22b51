import HTTPRelay
import HTTPTypes
import Reactor
import TestSupport
import Testing

@Suite("Relaying without a task")
struct DetachedRelayTests {
    /// Answers the first request of each connection, so that there is an idle one, and then follows the test's script.
    private static func warm(_ script: @escaping ScriptedServer.Script) -> ScriptedServer.Script {
        { connection, number in
            _ = try await connection.readHead()
            try await connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
            try await script(connection, number)
        }
    }

    private static let request = UpstreamRequest(method: .get, target: "/file")

    /// Runs the body beside a relay whose pool has an idle connection, with a client's two ends.
    private func run(
        relay: RelayConfiguration = .init(), upstream: @escaping ScriptedServer.Script,
        _ body: @escaping @Sendable (RelayHarness, ScriptedConnection, ScriptedConnection) async throws -> Void
    ) async throws {
        try await LoopRunner.onLoop { loop in
            let harness = try RelayHarness(on: loop, relay: relay, upstream: Self.warm(upstream))
            defer { harness.stop() }
            #expect(try await harness.get().text.hasSuffix("hi"))
            let (near, far) = try await ScriptedConnection.pair(on: loop)
            defer { near.close(); far.close() }
            far.socket.readDeadline = .now() + .seconds(60)
            try await body(harness, near, far)
        }
    }

    @Test("small answers pass one after the other, over one connection and without a task")
    func small() async throws {
        try await run(upstream: { connection, _ in
            while try await connection.readHead() != nil {
                try await connection.send("HTTP/1.1 200 OK\r\nX-A: b\r\nServer: s\r\nContent-Length: 5\r\n\r\nhello")
            }
        }) { harness, near, far in
            for _ in 0..<3 {
                let owner = RecordingOwner()
                let exchange = try #require(
                    harness.relay.begin(Self.request, to: harness.pool, client: near.socket, owner: owner))
                #expect(harness.pool.idleCount == 0)
                #expect(await owner.end() == .keepAlive)
                #expect(exchange.bodyBytesSent == 5)
                #expect(harness.pool.idleCount == 1)
                #expect(near.socket.onPeerClose == nil)
                let expected = "HTTP/1.1 200 OK\r\nX-A: b\r\nServer: s\r\nContent-Length: 5\r\n\r\nhello"
                #expect(try await far.read(expected.utf8.count) == Array(expected.utf8))
            }
            #expect(harness.server.connectionCount == 1)
        }
    }

    @Test("without an idle connection nothing begins, and nothing has gone to the client")
    func noConnection() async throws {
        try await run(upstream: { connection, _ in await connection.untilPeerCloses() }) { harness, near, _ in
            harness.pool.closeIdle()
            let owner = RecordingOwner()
            #expect(harness.relay.begin(Self.request, to: harness.pool, client: near.socket, owner: owner) == nil)
            #expect(near.socket.onPeerClose == nil)
        }
    }

    @Test("only the fields that the caller wants come out, and all of them are checked")
    func shownFields() async throws {
        try await run(upstream: { connection, _ in
            _ = try await connection.readHead()
            try await connection.send("HTTP/1.1 200 OK\r\nX-A: 1\r\nX-B: 2\r\nX-A: 3\r\nContent-Length: 0\r\n\r\n")
            _ = try await connection.readHead()
            try await connection.send("HTTP/1.1 200 OK\r\nX-A: 1\r\nX-B: \u{1}\r\nContent-Length: 0\r\n\r\n")
        }) { harness, near, far in
            var request = Self.request
            request.isShown = { ASCII.spells($0, "x-a") }
            let owner = RecordingOwner()
            try #require(harness.relay.begin(request, to: harness.pool, client: near.socket, owner: owner) != nil)
            #expect(await owner.end() == .keepAlive)
            let expected = "HTTP/1.1 200 OK\r\nX-A: 1\r\nX-A: 3\r\nContent-Length: 0\r\n\r\n"
            #expect(try await far.read(expected.utf8.count) == Array(expected.utf8))
            let second = RecordingOwner()
            let exchange = try #require(
                harness.relay.begin(request, to: harness.pool, client: near.socket, owner: second))
            #expect(await second.end() == nil)
            #expect(await finish(exchange, second, harness) == .failure(.badAnswer))
        }
    }

    @Test("a body that comes in pieces passes without a task", arguments: [true, false])
    func pieces(isChunked: Bool) async throws {
        try await run(upstream: { connection, _ in
            _ = try await connection.readHead()
            let framing = isChunked ? "Transfer-Encoding: chunked" : "Content-Length: 900"
            try await connection.send("HTTP/1.1 200 O")
            try await connection.send("K\r\n\(framing)\r\n\r\n")
            for _ in 0..<9 {
                let piece = String(repeating: "x", count: 100)
                try await connection.send(isChunked ? "64\r\n\(piece)\r\n" : piece)
                await connection.socket.loop.yieldToPoll()
            }
            if isChunked { try await connection.send("0\r\n\r\n") }
            await connection.untilPeerCloses()
        }) { harness, near, far in
            let owner = RecordingOwner()
            try #require(harness.relay.begin(Self.request, to: harness.pool, client: near.socket, owner: owner) != nil)
            #expect(await owner.end() == .keepAlive)
            near.close()
            #expect(await far.readToEnd().filter { $0 == UInt8(ascii: "x") }.count == 900)
        }
    }

    @Test("a body that is worth splicing, or a client that is full, needs a task and arrives whole")
    func large() async throws {
        let total = 8 << 20
        for framing in ["Content-Length: \(total)", "Transfer-Encoding: chunked"] {
            try await run(upstream: { connection, _ in
                _ = try await connection.readHead()
                try await connection.send("HTTP/1.1 200 OK\r\n\(framing)\r\n\r\n")
                let isChunked = framing.hasSuffix("chunked")
                if isChunked { try await connection.send("800000\r\n") }
                try await connection.send([UInt8](repeating: UInt8(ascii: "y"), count: total))
                if isChunked { try await connection.send("\r\n0\r\n\r\n") }
                await connection.untilPeerCloses()
            }) { harness, near, far in
                let owner = RecordingOwner()
                let exchange = try #require(
                    harness.relay.begin(Self.request, to: harness.pool, client: near.socket, owner: owner))
                #expect(await owner.end() == nil)
                let reader = LoopBound(far)
                let reading = Task(executorPreference: harness.loop) { await reader.value.readToEnd() }
                #expect(await finish(exchange, owner, harness) == .success(.keepAlive))
                near.close()
                #expect(await reading.value.filter { $0 == UInt8(ascii: "y") }.count == total)
                #expect(exchange.bodyBytesSent >= Int64(total))
            }
        }
    }

    @Test("a head that the caller refuses is not passed on")
    func rejected() async throws {
        try await run(upstream: { connection, _ in
            _ = try await connection.readHead()
            try await connection.send("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
            await connection.untilPeerCloses()
        }) { harness, near, far in
            let owner = RecordingOwner()
            owner.refuses = true
            let exchange = try #require(
                harness.relay.begin(Self.request, to: harness.pool, client: near.socket, owner: owner))
            #expect(await owner.end() == nil)
            #expect(await finish(exchange, owner, harness) == .failure(.rejected))
            #expect(harness.pool.connectionCount == 0)
            near.close()
            #expect(await far.readToEnd().isEmpty)
        }
    }

    @Test("an idle connection that turns out to be dead costs one retry, unseen by the client")
    func stale() async throws {
        try await run(upstream: { connection, number in
            _ = try await connection.readHead()
            if number == 0 { connection.reset() }
        }) { harness, near, far in
            let owner = RecordingOwner()
            let exchange = try #require(
                harness.relay.begin(Self.request, to: harness.pool, client: near.socket, owner: owner))
            #expect(await owner.end() == nil)
            #expect(await finish(exchange, owner, harness) == .success(.keepAlive))
            near.close()
            #expect(await far.readToEnd().suffix(2) == Array("hi".utf8))
            #expect(harness.server.connectionCount == 2)
        }
    }

    @Test("a client that leaves ends the upstream's connection at once")
    func clientLeaves() async throws {
        try await run(upstream: { connection, _ in
            _ = try await connection.readHead()
            await connection.untilPeerCloses()
        }) { harness, near, far in
            let owner = RecordingOwner()
            let exchange = try #require(
                harness.relay.begin(Self.request, to: harness.pool, client: near.socket, owner: owner))
            far.close()
            #expect(await owner.end() == nil)
            #expect(await finish(exchange, owner, harness) == .failure(.clientClosed))
            #expect(harness.pool.connectionCount == 0)
        }
    }

    @Test("an upstream that says nothing by its deadline has failed")
    func silent() async throws {
        var configuration = RelayConfiguration()
        configuration.headDeadline = .milliseconds(200)
        let upstream: ScriptedServer.Script = { connection, _ in
            _ = try await connection.readHead()
            await connection.untilPeerCloses()
        }
        try await run(relay: configuration, upstream: upstream) { harness, near, _ in
            let owner = RecordingOwner()
            let exchange = try #require(
                harness.relay.begin(Self.request, to: harness.pool, client: near.socket, owner: owner))
            #expect(await owner.end() == nil)
            #expect(await finish(exchange, owner, harness) == .failure(.timedOut))
        }
    }

    @Test("an answer whose connection ends with it is over, and says so also to the task")
    func closing() async throws {
        try await run(upstream: { connection, _ in
            _ = try await connection.readHead()
            try await connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
            await connection.untilPeerCloses()
        }) { harness, near, far in
            var request = Self.request
            request.clientKeepsAlive = false
            let owner = RecordingOwner()
            let exchange = try #require(
                harness.relay.begin(request, to: harness.pool, client: near.socket, owner: owner))
            #expect(await owner.end() == .close)
            #expect(await finish(exchange, owner, harness) == .success(.close))
            near.close()
            let text = String(decoding: await far.readToEnd(), as: UTF8.self)
            #expect(text.hasSuffix("Connection: close\r\n\r\nhi"))
        }
    }

    @Test("a task may take an exchange over before its upstream has answered")
    func takenOver() async throws {
        try await run(upstream: { connection, _ in
            _ = try await connection.readHead()
            try await connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
            await connection.untilPeerCloses()
        }) { harness, near, far in
            let owner = RecordingOwner()
            let exchange = try #require(
                harness.relay.begin(Self.request, to: harness.pool, client: near.socket, owner: owner))
            #expect(await finish(exchange, owner, harness) == .success(.keepAlive))
            #expect(owner.stops == 0)
            near.close()
            #expect(await far.readToEnd().suffix(2) == Array("hi".utf8))
        }
    }

    /// The end, or the code of the failure.
    private enum Ending: Equatable {
        case success(RelayEnd)
        case failure(RelayError.Code)
    }

    private func finish(_ exchange: Exchange, _ owner: RecordingOwner, _ harness: RelayHarness) async -> Ending {
        do throws(RelayError) { return .success(try await harness.relay.finish(exchange, for: owner)) } catch {
            return .failure(error.code)
        }
    }
}

/// Notes what an exchange tells, for a test to wait for.
private final class RecordingOwner: ExchangeOwner {
    var refuses = false
    private(set) var stops = 0
    private var ended: RelayEnd?
    private var waiter: UnsafeContinuation<Void, Never>?

    func rewrite(_ head: HTTPResponse) throws(RelayError) -> HTTPResponse {
        if refuses { throw RelayError(.rejected, "the test refuses it") }
        return head
    }

    func exchangeStopped(_ end: RelayEnd?) {
        stops += 1
        ended = end
        waiter.take()?.resume()
    }

    /// What it was told, once it was.
    func end() async -> RelayEnd? {
        if stops == 0 { await withUnsafeContinuation { waiter = $0 } }
        return ended
    }
}
