import Glibc
import HTTPClient
import Model
import NodeODM
import Observability
import Synchronization
import Testing

@testable import Backends

@Suite("The client of a cluster")
struct ArgoClientTests {
    private static func failure(_ call: () async throws -> Void) async -> ArgoError? {
        do { try await call() } catch { return error as? ArgoError }
        return nil
    }

    @Test(
        "a create wraps the object for Argo's server, and is the object itself for Kubernetes",
        arguments: ArgoConnection.API.allCases)
    func create(api: ArgoConnection.API) async throws {
        let object = Workflows.object(phase: nil)
        try await ScriptedCluster.run(api: api, { _, _ in .json(api == .argoServer ? 200 : 201, object) }) {
            cluster, client in
            let created = try await client.create(object)
            #expect(created.uid == "uid-1")
            let asked = try #require(cluster.asked.first)
            let body = try JSONValue(parsing: asked.body)
            #expect(asked.method == "POST" && asked.field("Authorization") == "Bearer tok")
            switch api {
            case .argoServer:
                #expect(asked.path == "/api/v1/workflows/odm" && body["workflow"] == object)
            case .kubernetes:
                #expect(asked.path == "/apis/argoproj.io/v1alpha1/namespaces/odm/workflows" && body == object)
            }
        }
    }

    static let refusals: [(ScriptedCluster.Answer, ArgoError.Code, ArgoError.Code)] = [
        // answer, of a create, of a get
        (ScriptedCluster.failure(400, code: 3, "templates.main is bad"), .refused, .refused),
        (ScriptedCluster.failure(401, code: 16, "token not valid"), .unauthorized, .unauthorized),
        (ScriptedCluster.failure(403, code: 7, "workflows is forbidden"), .forbidden, .forbidden),
        (ScriptedCluster.failure(404, code: 5, "workflows.argoproj.io \"x\" not found"), .notFound, .notFound),
        (ScriptedCluster.failure(404, code: 5, "namespaces \"odm\" not found"), .noSuchPlace, .noSuchPlace),
        (.text(404, "<html>404</html>", type: "text/html"), .noSuchPlace, .noSuchPlace),
        (ScriptedCluster.failure(409, code: 6, "already exists"), .conflict, .conflict),
        (.text(429, "Too many requests"), .busy, .busy),
        (ScriptedCluster.failure(500, code: 13, "etcdserver: request timed out"), .outcomeUnknown, .malformedAnswer),
        (ScriptedCluster.failure(501, code: 12, "Not Implemented"), .noSuchPlace, .noSuchPlace),
        (.text(502, "<html>Bad Gateway</html>", type: "text/html"), .outcomeUnknown, .malformedAnswer),
        (ScriptedCluster.failure(503, code: 14, "unavailable"), .outcomeUnknown, .malformedAnswer),
        (ScriptedCluster.failure(504, code: 4, "deadline"), .outcomeUnknown, .malformedAnswer),
        (.text(200, "<html>Log in</html>", type: "text/html"), .outcomeUnknown, .malformedAnswer),
        (.text(200, "{}", type: "application/json"), .outcomeUnknown, .malformedAnswer),
        (ScriptedCluster.status(422, reason: "Invalid", "spec is invalid"), .refused, .refused),
        (
            ScriptedCluster.status(404, reason: "NotFound", "workflows.argoproj.io \"x\" not found"), .notFound,
            .notFound
        ),
        (.cut, .outcomeUnknown, .outcomeUnknown),
    ]

    @Test(
        "an answer is sorted by status, code and text; a doubtful one leaves a create's outcome unknown",
        arguments: 0..<refusals.count)
    func errors(index: Int) async throws {
        let (answer, create, get) = Self.refusals[index]
        try await ScriptedCluster.run({ _, _ in answer }) { _, client in
            #expect(await Self.failure { _ = try await client.create(Workflows.object(phase: nil)) }?.code == create)
            #expect(await Self.failure { _ = try await client.get("x") }?.code == get)
        }
    }

    @Test("a cluster that isn't there was sent nothing")
    func notSent() async throws {
        try await ScriptedCluster.run({ _, _ in .cut }) { cluster, client in
            var connection = client.connection
            connection.origin = "http://127.0.0.1:1"
            let absent = ArgoClient(connection: connection, client: cluster.curl)
            #expect(await Self.failure { _ = try await absent.create(.object([])) }?.code == .notSent)
        }
    }

    @Test("a refused token is read again from its file, once")
    func rotation() async throws {
        var template = Array("/tmp/scaleodm-token-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        try #require(descriptor >= 0)
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer {
            close(descriptor)
            unlink(path)
        }
        write(descriptor, "old\n", 4)
        let token = try Secret(file: path)
        try await ScriptedCluster.run(
            token: token,
            { asked, number in
                if asked.field("Authorization") == "Bearer newer" {
                    return .json(200, Workflows.object(phase: "Running"))
                }
                // The file changes while the request is on its way, as a projected token's does.
                if number == 0 {
                    let file = open(path, O_WRONLY | O_TRUNC)
                    write(file, "newer\n", 6)
                    close(file)
                }
                return ScriptedCluster.failure(401, code: 16, "token not valid")
            }
        ) { cluster, client in
            let workflow = try await client.get("x")
            #expect(workflow.phase == "Running")
            #expect(cluster.asked.map { $0.field("Authorization") } == ["Bearer old", "Bearer newer"])
        }
        try await ScriptedCluster.run({ _, _ in ScriptedCluster.failure(401, code: 16, "no") }) { cluster, client in
            #expect(await Self.failure { _ = try await client.get("x") }?.code == .unauthorized)
            #expect(cluster.asked.count == 2)
        }
    }

    @Test("a list is read page by page, and a full page without a word about more is doubted")
    func pages() async throws {
        let objects = (0..<251).map { Workflows.object(name: "w\($0)", phase: "Running") }
        try await ScriptedCluster.run({ asked, _ in
            asked.has("listOptions.continue=250")
                ? ScriptedCluster.list(Array(objects[249...])) : ScriptedCluster.list(Array(objects[..<250]))
        }) { cluster, client in
            let listing = try await client.list("a=b")
            #expect(listing.workflows.count == 251 && listing.version == "500")
            #expect(cluster.asked.count == 2 && cluster.asked[0].has("showRemainingItemCount"))
            #expect(cluster.asked[0].has("fields=metadata%2Citems.metadata.name"))
        }
        try await ScriptedCluster.run({ _, _ in ScriptedCluster.list([]) }) { _, client in
            let listing = try await client.list("a=b")
            #expect(listing.workflows.isEmpty)
        }
        try await ScriptedCluster.run({ _, _ in .text(200, "{\"items\":[]}") }) { _, client in
            #expect(await Self.failure { _ = try await client.list("") }?.code == .malformedAnswer)
        }
    }

    @Test("an expired page makes the list start again, once")
    func expiredPage() async throws {
        let first = ScriptedCluster.list([Workflows.object(phase: "Running")], next: "opaque")
        try await ScriptedCluster.run(
            api: .kubernetes,
            { asked, number in
                if number == 1 {
                    return ScriptedCluster.status(410, reason: "Expired", "The provided continue parameter is too old")
                }
                return asked.has("continue=opaque")
                    ? ScriptedCluster.list([Workflows.object(name: "w2", phase: "Running")]) : first
            }
        ) { cluster, client in
            let listing = try await client.list("")
            #expect(listing.workflows.count == 2)
            #expect(cluster.asked.count == 4)
        }
    }

    @Test("a watch tells what changed, in either framing, and how it ended", arguments: ArgoConnection.API.allCases)
    func watching(api: ArgoConnection.API) async throws {
        let object = String(decoding: Workflows.object(phase: "Running").encoded, as: UTF8.self)
        let isArgo = api == .argoServer
        func framed(_ type: String, _ object: String) -> String {
            let event = "{\"type\":\"\(type)\",\"object\":\(object)}"
            return isArgo ? "data: {\"result\":\(event)} \n\n\n:\n" : event + "\n"
        }
        let gone =
            isArgo
            ? "data: {\"error\":{\"grpc_code\":3,\"http_code\":400,\"message\":\"too old resource version: 1 (5)\"}} \n\n\n"
            : "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410,\"message\":\"gone\"}}\n"
        let pieces = [
            framed("ADDED", object), framed("MODIFIED", object), framed("DELETED", object),
            framed("BOOKMARK", "{\"metadata\":{\"resourceVersion\":\"777\"}}"), gone,
        ]
        try await ScriptedCluster.run(api: api, { _, _ in .pieces(pieces) }) { cluster, client in
            let seen = Mutex([String]())
            let error = await Self.failure {
                try await client.watch("a=b", from: "5") { event in
                    let word =
                        switch event {
                        case .changed: "changed"
                        case .left: "left"
                        case .bookmark(let version): version
                        }
                    seen.withLock { $0.append(word) }
                }
            }
            #expect(seen.withLock { $0 } == ["changed", "changed", "left", "777"])
            #expect(error?.code == .gone)
            let asked = try #require(cluster.asked.first)
            #expect(asked.field("Accept")?.hasPrefix(isArgo ? "text/event-stream" : "application/json") == true)
            #expect(asked.has(isArgo ? "fields=error%2Cresult.type" : "allowWatchBookmarks=true"))
        }
    }

    @Test("the end of a watch's time is no overload")
    func watchEnds() async throws {
        let end = "data: {\"error\":{\"grpc_code\":8,\"http_code\":429,\"message\":\"EOF\"}} \n\n\n"
        try await ScriptedCluster.run({ _, _ in .pieces([end]) }) { _, client in
            #expect(await Self.failure { try await client.watch("", from: "1") { _ in } }?.code == .outcomeUnknown)
        }
        try await ScriptedCluster.run({ _, _ in ScriptedCluster.failure(403, code: 7, "may not watch") }) { _, client in
            #expect(await Self.failure { try await client.watch("", from: "1") { _ in } }?.code == .forbidden)
        }
    }

    @Test(
        "a console is asked for per pod and container, with times, from a second on",
        arguments: ArgoConnection.API.allCases)
    func log(api: ArgoConnection.API) async throws {
        let isArgo = api == .argoServer
        let lines = ["2026-11-24T08:00:00Z one", "2026-11-24T08:00:01Z two"]
        let pieces = lines.map {
            isArgo ? "data: {\"result\":{\"content\":\"\($0)\",\"podName\":\"p\"}} \n\n\n" : $0 + "\n"
        }
        try await ScriptedCluster.run(api: api, { _, _ in .pieces(pieces) }) { cluster, client in
            let seen = Mutex([String]())
            try await client.log(of: "w", pod: "w-main-1", container: "process", since: 1_795_507_200, follows: true) {
                line in
                seen.withLock { $0.append(line) }
                return true
            }
            #expect(seen.withLock { $0 } == lines)
            let asked = try #require(cluster.asked.first)
            if isArgo {
                #expect(asked.path == "/api/v1/workflows/odm/w/log" && asked.has("podName=w-main-1"))
                #expect(
                    asked.has("logOptions.container=process") && asked.has("logOptions.sinceTime.seconds=1795507200"))
            } else {
                #expect(
                    asked.path == "/api/v1/namespaces/odm/pods/w-main-1/log"
                        && asked.has("sinceTime=2026-11-24T08%3A00%3A00Z"))
            }
        }
    }

    @Test("terminate and delete do what each API needs, and know what is over already")
    func endings() async throws {
        try await ScriptedCluster.run({ _, _ in
            ScriptedCluster.failure(500, code: 13, "cannot shutdown a completed workflow")
        }) { _, client in
            #expect(await Self.failure { try await client.terminate("w") }?.code == .alreadyOver)
        }
        let running = Workflows.object(name: "w", phase: "Running")
        try await ScriptedCluster.run(api: .kubernetes, { _, _ in .json(200, running) }) { cluster, client in
            try await client.terminate("w")
            #expect(cluster.asked.map(\.method) == ["GET", "PATCH"])
            #expect(cluster.asked[1].field("Content-Type") == "application/merge-patch+json")
            #expect(cluster.asked[1].body == #"{"spec":{"shutdown":"Terminate"}}"#)
            try await client.delete("w", uid: "uid-1")
            #expect(cluster.asked.last?.body == #"{"propagationPolicy":"Background","preconditions":{"uid":"uid-1"}}"#)
        }
        try await ScriptedCluster.run({ _, _ in .json(200, running) }) { cluster, client in
            try await client.delete("w", uid: "another")
            #expect(cluster.asked.map(\.method) == ["GET"])
            try await client.delete("w", uid: "uid-1")
            #expect(cluster.asked.map(\.method) == ["GET", "GET", "DELETE", "DELETE"])
            #expect(cluster.asked.last?.path == "/api/v1/archived-workflows/uid-1")
        }
    }
}
