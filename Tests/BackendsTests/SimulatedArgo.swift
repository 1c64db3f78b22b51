import Glibc
import HTTPClient
import HTTPTypes
import NodeODM
import Observability
import Reactor
import TestSupport

@testable import Backends

/// The simulated cluster of Tests/ArgoSimulator as a program of its own: written in another language, after Argo's own
/// description, so that it can't share our mistakes.
final class SimulatedArgo {
    /// Where both APIs are.
    let url: String
    private let control: String
    private let child: pid_t
    private let output: UnsafeMutablePointer<FILE>

    private static let root = String(#filePath.prefix(#filePath.count - "/BackendsTests/SimulatedArgo.swift".count))
    private static let folder = environment("SCALEODM_ARGO_SIMULATOR") ?? root + "/ArgoSimulator"
    private static let python = environment("SCALEODM_PYTHON") ?? root + "/../.build/venv/bin/python"

    private static func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    /// Whether the program and its Python are there.
    static var isThere: Bool {
        access("\(folder)/argo_simulator/__main__.py", R_OK) == 0 && access(python, X_OK) == 0
    }

    /// Starts it and waits until it listens; blocking.
    init(_ flags: String) throws {
        let quick = "--accept-seconds 0.02 --pending-seconds 0.02 --pod-seconds 0.02 --time-scale 0.001"
        let command =
            "cd '\(Self.folder)' && echo $$ && PYTHONPATH=../SimulatorKit exec '\(Self.python)' -u -m argo_simulator \(quick) \(flags)"
        guard let stream = popen(command, "r") else { throw SimulatorFailure() }
        output = stream
        child = pid_t(Self.line(of: stream) ?? "") ?? 0
        var places = ["", ""]
        while places.contains(""), let line = Self.line(of: stream) {
            if line.hasPrefix("control on ") { places[0] = String(line.dropFirst(11)) }
            if line.hasPrefix("listening on ") { places[1] = String(line.dropFirst(13)) }
        }
        guard !places.contains(""), child > 0 else { throw SimulatorFailure() }
        control = places[0]
        url = places[1]
    }

    struct SimulatorFailure: Error {}

    private static func line(of stream: UnsafeMutablePointer<FILE>) -> String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        guard fgets(&buffer, Int32(buffer.count), stream) != nil else { return nil }
        let bytes = buffer.prefix { $0 != 0 && $0 != 10 }.map { UInt8(bitPattern: $0) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// By SIGKILL: a child of a thread of Swift's pool has the signals blocked that the pool blocks.
    func stop() {
        kill(child, SIGKILL)
        pclose(output)
    }

    /// Runs a test against a cluster of its own.
    static func run(
        _ flags: String = "--run-seconds 0.3",
        api: ArgoConnection.API, _ body: @escaping @Sendable (Controls, ArgoClient) async throws -> Void
    ) async throws {
        let simulator = try SimulatedArgo(flags)
        defer { simulator.stop() }
        let (url, control) = (simulator.url, simulator.control)
        try await LoopRunner.onLoop { loop in
            let curl = CurlClient(loop: loop)
            let connection = ArgoConnection(api: api, origin: url, namespace: "odm", token: Secret("any"))
            let client = ArgoClient(connection: connection, client: curl)
            do {
                try await body(Controls(control: control, curl: curl), client)
            } catch {
                await curl.close()
                throw error
            }
            await curl.close()
        }
    }

    /// What a test does to the cluster behind the gateway's back.
    struct Controls: Sendable {
        let control: String
        let curl: CurlClient

        /// POST /_sim/ACTION.
        func sim(_ action: String, _ json: String) async throws {
            var request = OutboundRequest(.post, "\(control)/_sim/\(action)", body: .bytes(Array(json.utf8)))
            request.fields.append("Content-Type", "application/json")
            let answer = try await curl.send(request)
            guard answer.status == 200 else { throw SimulatorFailure() }
        }

        /// How often something happened to a workflow, after the journal.
        func effects(_ kind: String, _ name: String) async throws -> Int {
            let answer = try await curl.send(OutboundRequest(.get, "\(control)/_sim/journal"))
            let journal = try JSONValue(parsing: answer.body)
            return journal["effects"]?[kind]?[name]?.integer.flatMap { Int(exactly: $0) } ?? 0
        }
    }
}
