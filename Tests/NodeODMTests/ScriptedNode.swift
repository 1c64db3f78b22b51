import HTTPClient
import Model
import NodeODM
import Reactor
import Synchronization
import TestSupport

/// A node that answers from a script, and remembers what it was asked.
struct ScriptedNode: Sendable {
    /// One request as it came.
    struct Asked: Sendable {
        var head: String
        var body: String
        var line: String { String(head.prefix { $0 != "\r\n" }) }
    }

    let client: NodeODMClient
    let curl: CurlClient
    private let record: Record

    private final class Record: Sendable {
        let asked = Mutex([Asked]())
    }

    /// Everything that was asked, in order.
    var asked: [Asked] { record.asked.withLock { $0 } }

    /// Runs a test against a node.
    /// - Parameters:
    ///   - answers: whole HTTP answers, one a request, the last one again and again; an empty one cuts the connection.
    ///   - token: of the node.
    ///   - body: the test.
    /// - Throws: what the test throws.
    static func run(
        _ answers: [String], token: String? = "geheim /1",
        _ body: @escaping @Sendable (ScriptedNode) async throws -> Void
    ) async throws {
        try await LoopRunner.onLoop { loop in
            let record = Record()
            let server = try ScriptedServer(on: loop) { connection, _ in
                while let head = try await connection.readHead() {
                    let line = head.split(separator: "\r\n").first { $0.hasPrefix("Content-Length: ") }
                    let length = line.flatMap { Int($0.dropFirst(16)) } ?? 0
                    let body = String(decoding: try await connection.read(length), as: UTF8.self)
                    let number = record.asked.withLock { asked in
                        asked.append(Asked(head: head, body: body))
                        return asked.count - 1
                    }
                    let answer = answers[min(number, answers.count - 1)]
                    if answer.isEmpty { return }
                    try await connection.send(answer)
                }
            }
            let curl = CurlClient(loop: loop)
            let endpoint = NodeEndpoint(host: "127.0.0.1", port: server.address.port, token: token)
            let client = NodeODMClient(endpoint: endpoint, client: curl)
            try await body(ScriptedNode(client: client, curl: curl, record: record))
            await curl.close()
            server.stop()
        }
    }

    /// An answer of status 200 with JSON.
    static func json(_ body: String, status: String = "200 OK") -> String {
        "HTTP/1.1 \(status)\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    /// The error of a call.
    static func failure(_ call: () async throws -> Void) async -> NodeODMError? {
        do { try await call() } catch { return error as? NodeODMError }
        return nil
    }
}
