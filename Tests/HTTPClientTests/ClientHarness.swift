import HTTPClient
import HTTPTypes
import Reactor
import TestSupport

/// A scripted server and a client on one loop.
struct ClientHarness: Sendable {
    let loop: EventLoop
    let server: ScriptedServer
    let client: CurlClient

    init(
        on loop: EventLoop, configuration: CurlClient.Configuration = .init(), script: @escaping ScriptedServer.Script
    ) throws {
        self.loop = loop
        server = try ScriptedServer(on: loop, script: script)
        client = CurlClient(loop: loop, configuration: configuration)
    }

    func url(_ path: String = "/") -> String { "http://127.0.0.1:\(server.address.port)\(path)" }

    /// Runs a test on a loop of its own, and closes everything behind it.
    static func run(
        configuration: CurlClient.Configuration = .init(), script: @escaping ScriptedServer.Script,
        _ body: @escaping @Sendable (ClientHarness) async throws -> Void
    ) async throws {
        try await LoopRunner.onLoop { loop in
            let harness = try ClientHarness(on: loop, configuration: configuration, script: script)
            do { try await body(harness) } catch {
                await harness.stop()
                throw error
            }
            await harness.stop()
        }
    }

    private func stop() async {
        await client.close()
        server.stop()
    }

    /// The status of an answer, 0 without one.
    func status(_ request: OutboundRequest) async -> Int { (try? await client.send(request).status) ?? 0 }

    /// The body of an answer, empty without one.
    func text(_ request: OutboundRequest) async -> String {
        String(decoding: (try? await client.send(request).body) ?? [], as: UTF8.self)
    }

    /// The error with which a request ends.
    func failure(_ request: OutboundRequest) async -> HTTPClientError? {
        do throws(HTTPClientError) {
            _ = try await client.send(request)
            return nil
        } catch { return error }
    }
}

extension ScriptedConnection {
    /// Reads a request with a Content-Length body.
    func readRequest() async throws -> (head: String, body: String)? {
        guard let head = try await readHead() else { return nil }
        let line = head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-length:") }
        let length = line.flatMap { Int($0.dropFirst(15).drop { $0 == " " }) } ?? 0
        return (head, String(decoding: try await read(length), as: UTF8.self))
    }

    /// Answers with a small body.
    func answer(_ body: String, status: String = "200 OK", fields: String = "") async throws {
        try await send("HTTP/1.1 \(status)\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }
}
