import HTTPClient
import Model
import NodeODM
import Observability
import Reactor
import Synchronization
import TestSupport

@testable import Backends

/// A cluster that answers as a test says, and remembers what it was asked.
final class ScriptedCluster: Sendable {
    /// One request as it came.
    struct Asked: Sendable {
        var head: String
        var body: String
        var line: String { String(head.prefix { $0 != "\r\n" }) }
        var method: String { String(line.prefix { $0 != " " }) }
        /// Path and query.
        var target: String { line.split(separator: " ").dropFirst().first.map(String.init) ?? "" }
        var path: String { String(target.prefix { $0 != "?" }) }
        func field(_ name: String) -> String? {
            let line = head.split(separator: "\r\n").first { $0.lowercased().hasPrefix(name.lowercased() + ": ") }
            return line.map { String($0.dropFirst(name.utf8.count + 2)) }
        }
        func has(_ text: String) -> Bool { target.range(ofText: text) != nil }
    }

    /// What it does with a request.
    enum Answer: Sendable {
        /// Status and JSON.
        case json(Int, JSONValue)
        /// Status, type and text.
        case text(Int, String, type: String = "text/plain")
        /// A body in pieces, ended by the connection's end.
        case pieces([String], thenWaits: Bool = false)
        /// The connection is cut after the request was read.
        case cut
        /// What was sent by the client stays without an answer.
        case silence
    }

    typealias Script = @Sendable (Asked, Int) -> Answer

    private let record = Mutex([Asked]())
    /// For a test that needs a client of its own.
    let curl: CurlClient

    private init(curl: CurlClient) { self.curl = curl }

    /// Everything that was asked, in order.
    var asked: [Asked] { record.withLock { $0 } }

    /// Runs a test against a cluster.
    static func run(
        api: ArgoConnection.API = .argoServer, token: Secret? = Secret("tok"), _ script: @escaping Script,
        _ body: @escaping @Sendable (ScriptedCluster, ArgoClient) async throws -> Void
    ) async throws {
        try await LoopRunner.onLoop { loop in
            let curl = CurlClient(loop: loop)
            let cluster = ScriptedCluster(curl: curl)
            let server = try ScriptedServer(on: loop) { connection, _ in
                try await cluster.serve(connection, script)
            }
            let connection = ArgoConnection(
                api: api, origin: "http://127.0.0.1:\(server.address.port)", namespace: "odm", token: token)
            try await body(cluster, ArgoClient(connection: connection, client: curl))
            await curl.close()
            server.stop()
        }
    }

    private func serve(_ connection: ScriptedConnection, _ script: Script) async throws {
        while let head = try await connection.readHead() {
            var asked = Asked(head: head, body: "")
            let length = asked.field("Content-Length").flatMap { Int($0) } ?? 0
            asked.body = String(decoding: try await connection.read(length), as: UTF8.self)
            let number = record.withLock { record in
                record.append(asked)
                return record.count - 1
            }
            switch script(asked, number) {
            case .json(let status, let json):
                try await connection.send(
                    Self.answer(status, String(decoding: json.encoded, as: UTF8.self), "application/json"))
            case .text(let status, let text, let type): try await connection.send(Self.answer(status, text, type))
            case .pieces(let pieces, let waits):
                try await connection.send(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
                for piece in pieces { try await connection.send(piece) }
                if waits { await connection.untilPeerCloses() }
                return
            case .cut: return
            case .silence: return await connection.untilPeerCloses()
            }
        }
    }

    private static func answer(_ status: Int, _ body: String, _ type: String) -> String {
        "HTTP/1.1 \(status) X\r\nContent-Type: \(type)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    /// Argo's way to say no.
    static func failure(_ status: Int, code: Int, _ message: String) -> Answer {
        .json(status, .members(["code": .number(code), "message": .string(message)]))
    }

    /// Kubernetes' way to say no.
    static func status(_ status: Int, reason: String, _ message: String) -> Answer {
        .json(
            status,
            .members([
                "kind": .string("Status"), "status": .string("Failure"), "reason": .string(reason),
                "code": .number(status),
                "message": .string(message),
            ]))
    }

    static func list(_ items: [JSONValue], version: String = "500", next: String? = nil) -> Answer {
        .json(
            200,
            .members([
                "metadata": .members(["resourceVersion": .string(version), "continue": next.map { .string($0) }]),
                "items": items.isEmpty ? .null : .array(items),
            ]))
    }
}
