import HTTPServer
import HTTPTypes
import NodeODM

/// The loopback endpoint by which tests look into the node and change its knobs.
///
/// | request | what it does |
/// |---|---|
/// | GET /control | the knobs |
/// | POST /control `{"taskSeconds": 5, "drop": {"commit": 1}}` | sets knobs, answers all of them |
/// | GET /control/journal | starts, commits, ends, files by task; requests by endpoint |
/// | POST /control/finish `{"uuid": …}` | ends this run now; without uuid every run |
/// | POST /control/forget `{"uuid": …}` | the node knows the task no more |
/// | POST /control/purge `{"uuid": …}` | the project's files are gone, the task stays |
/// | POST /control/dump | saves the task list |
struct ControlRoutes: Sendable {
    let node: SimulatedNode

    private typealias Handler = @Sendable (JSONValue) async throws -> [UInt8]
    private static let done = Array(#"{"success":true}"#.utf8)

    func router() -> Router {
        var router = Router(fallback: { _, _, _, response in
            try await Self.send(.notFound, Array(#"{"error":"no such control"}"#.utf8), response)
        })
        let node = node
        add(.get, "/control", to: &router) { _ in await node.knobsText() }
        add(.post, "/control", to: &router) { try await node.apply($0) }
        add(.get, "/control/journal", to: &router) { _ in await node.journalText() }
        add(.post, "/control/finish", to: &router) {
            await node.finish($0["uuid"]?.text)
            return Self.done
        }
        add(.post, "/control/forget", to: &router) {
            await node.vanish(try Self.uuid($0))
            return Self.done
        }
        add(.post, "/control/purge", to: &router) {
            await node.purge(try Self.uuid($0))
            return Self.done
        }
        add(.post, "/control/dump", to: &router) { _ in
            await node.dump()
            return Self.done
        }
        return router
    }

    private func add(_ method: HTTPMethod, _ pattern: String, to router: inout Router, _ handler: @escaping Handler) {
        router.on(method, pattern, name: pattern) { _, _, body, response in
            let (status, answer) = try await Self.outcome(of: handler, body)
            try await Self.send(status, answer, response)
        }
    }

    private static func outcome(of handler: Handler, _ body: RequestBody) async throws -> (HTTPStatus, [UInt8]) {
        do {
            let bytes = try await body.collect(upTo: 1 << 20)
            return (.ok, try await handler(bytes.isEmpty ? .object([]) : try JSONValue(parsing: bytes)))
        } catch let error as SimulatorError {
            return (.badRequest, Self.error(error.message))
        } catch let error as JSONParseError {
            return (.badRequest, Self.error(error.message))
        }
    }

    /// Only names that can't leave the node's folder.
    private static func uuid(_ json: JSONValue) throws(SimulatorError) -> String {
        guard let uuid = json["uuid"]?.text, uuid == SafeFileName(uuid).string else {
            throw SimulatorError(code: .knob, message: "uuid is missing or no uuid")
        }
        return uuid
    }

    private static func error(_ message: String) -> [UInt8] {
        JSONWriter.text { json in
            json.beginObject()
            json.pair("error") { $0.string(message) }
            json.endObject()
        }
    }

    private static func send(_ status: HTTPStatus, _ body: [UInt8], _ response: consuming ResponseWriter) async throws {
        try await response.send(HTTPResponse(status, fields: [.contentType: "application/json"]), body: body)
    }
}
