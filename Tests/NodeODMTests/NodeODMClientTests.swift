import HTTPClient
import Model
import NodeODM
import TestSupport
import Testing

@Suite("Calls to a node")
struct NodeODMClientTests {
    private static let uuid = BackendTaskID("11111111-2222-4333-8444-555555555555")

    @Test("each call has its path, its form, and the node's token in the query")
    func calls() async throws {
        let uuid = Self.uuid
        let answers = [
            #"{"version":"2.2.4","taskQueueCount":3,"engine":"odm","engineVersion":"3.6.0"}"#,
            #"[{"name":"dsm","type":"bool","value":"false","domain":"bool","help":"x"}]"#,
            #"[{"uuid":"a"},{"uuid":"b"},{}]"#, #"{"uuid":"\#(uuid)"}"#, #"{"success":true}"#, #"{"uuid":"\#(uuid)"}"#,
            #"{"uuid":"\#(uuid)","status":{"code":20},"output":["a","b"]}"#, #"["x","y"]"#, #"{"success":true}"#,
            #"{"success":true}"#, #"{"success":true}"#,
        ].map { ScriptedNode.json($0) }
        try await ScriptedNode.run(answers) { node in
            let client = node.client
            let info = try await client.info()
            #expect(info.taskQueueCount == 3)
            let options = try await client.options()
            #expect(options.contains("dsm"))
            let list = try await client.list()
            #expect(list.map(\.string) == ["a", "b"])
            let made = try await client.initTask(
                setUUID: uuid, InitFields(name: "n", skipsPostProcessing: true, outputs: "[]", dateCreated: 5))
            #expect(made == uuid)
            let files = ["a.jpg", "b.jpg"].map { UploadFile(name: $0, size: 1, source: BytesSource([0x61])) }
            try await client.upload(files, to: uuid)
            try await client.commit(uuid)
            let task = try await client.taskInfo(of: uuid, outputFrom: 7)
            #expect(task.output == ["a", "b"])
            let lines = try await client.output(of: uuid, from: -9)
            #expect(lines == ["x", "y"])
            try await client.cancel(uuid)
            try await client.restart(uuid, options: [TaskOption(name: "dsm", value: .bool(true))])
            try await client.remove(uuid)
            let token = "token=geheim%20%2F1"
            #expect(
                node.asked.map(\.line) == [
                    "GET /info?\(token) HTTP/1.1", "GET /options?\(token) HTTP/1.1", "GET /task/list?\(token) HTTP/1.1",
                    "POST /task/new/init?\(token) HTTP/1.1", "POST /task/new/upload/\(uuid)?\(token) HTTP/1.1",
                    "POST /task/new/commit/\(uuid)?\(token) HTTP/1.1",
                    "GET /task/\(uuid)/info?with_output=7&\(token) HTTP/1.1",
                    "GET /task/\(uuid)/output?line=-9&\(token) HTTP/1.1", "POST /task/cancel?\(token) HTTP/1.1",
                    "POST /task/restart?\(token) HTTP/1.1", "POST /task/remove?\(token) HTTP/1.1",
                ])
            checkForms(node.asked)
        }
    }

    private func checkForms(_ asked: [ScriptedNode.Asked]) {
        #expect(asked[3].head.contains("\r\nset-uuid: \(Self.uuid)\r\n"))
        for field in ["name", "options", "skipPostProcessing", "outputs", "dateCreated"] {
            #expect(asked[3].body.contains("form-data; name=\"\(field)\"\r\n\r\n"))
        }
        #expect(asked[4].body.split(separator: "name=\"images\"; filename=").count == 3)
        #expect(asked[5].body.isEmpty)
        #expect(asked[8].body == "uuid=\(Self.uuid)")
        #expect(asked[8].head.contains("\r\nContent-Type: application/x-www-form-urlencoded\r\n"))
        #expect(asked[9].body.hasPrefix("uuid=\(Self.uuid)&options=%5B%7B%22name%22"))
    }

    @Test("ids and assets can't leave their place in the path, and the endpoint's description has no token")
    func paths() {
        let endpoint = NodeEndpoint(
            isTLS: true, host: "node1.example.org", port: 443, basePath: "/odm", token: "geheim")
        #expect(endpoint.target(["task", "../a?b", "info"]) == "/odm/task/..%2Fa%3Fb/info?token=geheim")
        #expect("\(endpoint)" == "https://node1.example.org:443/odm")
        #expect(NodeEndpoint(host: "::1", port: 1).description == "http://[::1]:1")
    }

    @Test(
        "what a node says decides what it means",
        arguments: [
            (#"{"error":"11111111-2222-4333-8444-555555555555 not found"}"#, NodeODMError.Code.unknownTask),
            (#"{"error":"Invalid route for taskId 1:-1, no nodes in routing table."}"#, .unknownTask),
            (#"{"error":"99999999-2222-4333-8444-555555555555 not found"}"#, .refused),
            (#"{"error":"Invalid authentication token: token does not match."}"#, .unauthorized),
            (#"{"error":"Invalid authentication IP: 10.0.0.1"}"#, .unauthorized),
            (#"{"error":"Reached maximum number of concurrent tasks: 3. Wait."}"#, .busy),
            (#"{"error":"Cannot create task, no nodes are online."}"#, .busy),
            (#"{"error":"Something else"}"#, .refused), (#"{"error":7}"#, .refused), ("<html>", .malformedAnswer),
            ("", .malformedAnswer), ("{}", .malformedAnswer), ("[]", .malformedAnswer), ("null", .malformedAnswer),
            (#"{"status":{"code":99}}"#, .malformedAnswer),
        ])
    func texts(body: String, code: NodeODMError.Code) async throws {
        try await ScriptedNode.run([ScriptedNode.json(body)]) { node in
            let error = await ScriptedNode.failure { _ = try await node.client.taskInfo(of: Self.uuid) }
            #expect(error?.code == code)
            let control = await ScriptedNode.failure { try await node.client.cancel(Self.uuid) }
            #expect(control?.code == code)
        }
    }

    @Test("a control call that failed says why", arguments: ["remove", "restart"])
    func controlRefused(verb: String) async throws {
        let answer = #"{"success":false,"error":"Task cannot be restarted"}"#
        try await ScriptedNode.run([ScriptedNode.json(answer)]) { node in
            let error = await ScriptedNode.failure {
                if verb == "remove" {
                    try await node.client.remove(Self.uuid)
                } else {
                    try await node.client.restart(Self.uuid)
                }
            }
            #expect(error?.code == .refused)
            #expect(error?.message == "Task cannot be restarted")
        }
    }

    @Test("the same words mean a lost area to an upload or a commit, and a refused identity to an init")
    func areas() async throws {
        for text in ["Invalid uuid (not found)", "Invalid taskId: the task no longer exists."] {
            try await ScriptedNode.run([ScriptedNode.json(#"{"error":"\#(text)"}"#)]) { node in
                let file = UploadFile(name: "a", size: 0, source: BytesSource([]))
                let upload = await ScriptedNode.failure { try await node.client.upload([file], to: Self.uuid) }
                #expect(upload?.code == .uploadLost)
                #expect(await ScriptedNode.failure { try await node.client.commit(Self.uuid) }?.code == .uploadLost)
            }
        }
        try await ScriptedNode.run([ScriptedNode.json(#"{"error":"Invalid set-uuid: x"}"#)]) { node in
            let error = await ScriptedNode.failure {
                _ = try await node.client.initTask(setUUID: Self.uuid, InitFields(name: "n"))
            }
            #expect(error?.code == .identityRefused)
        }
        try await ScriptedNode.run([ScriptedNode.json(#"{"uuid":"another"}"#)]) { node in
            let error = await ScriptedNode.failure {
                _ = try await node.client.initTask(setUUID: Self.uuid, InitFields(name: "n"))
            }
            #expect(error?.code == .malformedAnswer)
        }
    }

    @Test(
        "a status other than 200 never means an unknown task",
        arguments: [
            ("401 Unauthorized", NodeODMError.Code.unauthorized), ("403 Forbidden", .unauthorized),
            ("404 Not Found", .malformedAnswer), ("429 Too Many Requests", .busy), ("400 Bad Request", .refused),
            ("422 Unprocessable Content", .refused), ("500 Internal Server Error", .malformedAnswer),
            ("502 Bad Gateway", .malformedAnswer), ("503 Service Unavailable", .malformedAnswer),
            ("302 Found", .malformedAnswer),
        ])
    func statuses(status: String, code: NodeODMError.Code) async throws {
        let body = #"{"error":"11111111-2222-4333-8444-555555555555 not found"}"#
        try await ScriptedNode.run([ScriptedNode.json(body, status: status)]) { node in
            let error = await ScriptedNode.failure { _ = try await node.client.taskInfo(of: Self.uuid) }
            #expect(error?.code == code)
        }
    }

    @Test("a token that a node repeats in its error doesn't show in ours")
    func redacted() async throws {
        let answer = ScriptedNode.json(#"{"error":"no such token: geheim /1 (geheim%20%2F1)"}"#)
        try await ScriptedNode.run([answer]) { node in
            let error = await ScriptedNode.failure { _ = try await node.client.info() }
            #expect(error?.message == "no such token: … (…)")
        }
    }

    @Test("a connection that breaks leaves the outcome open, and one that never stood doesn't")
    func connections() async throws {
        try await ScriptedNode.run([""]) { node in
            #expect(await ScriptedNode.failure { try await node.client.commit(Self.uuid) }?.code == .outcomeUnknown)
            // Port 1 of loopback: nobody listens.
            let closed = NodeODMClient(endpoint: NodeEndpoint(host: "127.0.0.1", port: 1), client: node.curl)
            #expect(await ScriptedNode.failure { try await closed.commit(Self.uuid) }?.code == .notSent)
        }
    }

    @Test("a file that is shorter than it said, or can't be read, is our own failure")
    func inputs() async throws {
        try await ScriptedNode.run([ScriptedNode.json("{}")]) { node in
            let file = UploadFile(name: "a", size: 5, source: BytesSource([1]))
            let error = await ScriptedNode.failure { try await node.client.upload([file], to: Self.uuid) }
            #expect(error?.code == .inputsUnreadable)
        }
    }
}
