import HTTPClient
import Model
import Reactor
import Synchronization
import TestSupport

@testable import Storage

/// A store that answers request after request as a test says, and remembers what it was asked.
final class FaultyStore: Sendable {
    /// What one request gets.
    enum Answer: Sendable {
        /// A whole answer.
        case reply(Int, fields: String = "", body: String = "")
        /// A head that promises more than comes, then the end of the connection.
        case cut(Int, fields: String, body: String)
        /// Its body is read so far, then the connection is reset.
        case resetAfter(Int)
        /// Its body is read, and nothing is said until the client goes away.
        case silence
    }

    /// What a request was.
    struct Request: Sendable {
        var line: String
        var head: String
        var body: [UInt8]

        /// The value of a field, by its lower-case name.
        func field(_ name: String) -> String? {
            for line in head.split(separator: "\r\n") where line.lowercased().hasPrefix(name + ":") {
                return String(line.dropFirst(name.count + 1).drop { $0 == " " })
            }
            return nil
        }
    }

    private struct State {
        var answers: [Answer]
        var requests: [Request] = []
        var watchers: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>

    private init(_ answers: [Answer]) { state = Mutex(State(answers: answers)) }

    /// All that was asked, in its order.
    var requests: [Request] { state.withLock { $0.requests } }
    /// Methods and targets of all that was asked.
    var lines: [String] { requests.map(\.line) }

    /// Runs a test with a client of such a store. Its clock doesn't sleep.
    static func run(
        _ answers: [Answer], clock: ImpatientClock = ImpatientClock(),
        credentials: S3CredentialsProvider? = nil,
        _ body: @escaping @Sendable (S3Client, FaultyStore) async throws -> Void
    ) async throws {
        let store = FaultyStore(answers)
        try await LoopRunner.onLoop { loop in
            let server = try ScriptedServer(on: loop) { connection, _ in try await store.serve(connection) }
            let curl = CurlClient(loop: loop)
            let fixed = S3Credentials(accessKeyID: "AKID", secretAccessKey: "secret", sessionToken: "token")
            let endpoint = try S3Endpoint(url: "http://127.0.0.1:\(server.address.port)")
            let client = S3Client(
                S3Configuration(endpoint: endpoint), client: curl, clock: clock, credentials: credentials ?? { fixed })
            do { try await body(client, store) } catch {
                await curl.close()
                server.stop()
                throw error
            }
            await curl.close()
            server.stop()
        }
    }

    /// Suspends until so many requests came.
    func untilAsked(_ count: Int) async {
        while requests.count < count {
            await withCheckedContinuation { continuation in
                let isThere = state.withLock { state in
                    if state.requests.count < count { state.watchers.append(continuation) }
                    return state.requests.count >= count
                }
                if isThere { continuation.resume() }
            }
        }
    }

    private func serve(_ connection: ScriptedConnection) async throws {
        while let head = try await connection.readHead() {
            let answer = state.withLock { $0.answers.isEmpty ? nil : $0.answers.removeFirst() }
            var request = Request(line: String(head.prefix { $0 != "\r\n" }.dropLast(9)), head: head, body: [])
            let length = request.field("content-length").flatMap { Int($0) } ?? 0
            if case .resetAfter(let count) = answer {
                _ = try await connection.read(min(count, length))
                remember(request)
                return connection.reset()
            }
            request.body = try await connection.read(length)
            remember(request)
            switch answer {
            case .reply(let status, let fields, let body):
                let length = request.line.hasPrefix("HEAD") ? "" : "Content-Length: \(body.utf8.count)\r\n"
                try await connection.send("HTTP/1.1 \(status) X\r\n\(fields)\(length)\r\n\(body)")
            case .cut(let status, let fields, let body):
                return try await connection.send("HTTP/1.1 \(status) X\r\n\(fields)\r\n\(body)")
            case .silence, .resetAfter: return await connection.untilPeerCloses()
            case nil: try await connection.send("HTTP/1.1 400 X\r\nContent-Length: 0\r\n\r\n")
            }
        }
    }

    private func remember(_ request: Request) {
        let watchers = state.withLock { state in
            state.requests.append(request)
            defer { state.watchers = [] }
            return state.watchers
        }
        for watcher in watchers { watcher.resume() }
    }
}

extension FaultyStore.Answer {
    /// An error as S3 words it.
    static func error(_ status: Int, _ code: String, fields: String = "", more: String = "") -> Self {
        .reply(status, fields: fields, body: "<Error><Code>\(code)</Code><Message>so</Message>\(more)</Error>")
    }
}

/// A clock on which nobody waits, but that remembers for how long they would have.
final class ImpatientClock: WorldClock {
    private let slept = Mutex<[Duration]>([])

    /// All pauses.
    var pauses: [Duration] { slept.withLock { $0 } }

    func monotonic() -> MonotonicTime { .now() }
    func wallMilliseconds() -> Int64 { 1_772_323_198_000 }
    func sleep(for duration: Duration) async throws {
        try Task.checkCancellation()
        slept.withLock { $0.append(duration) }
    }
}
