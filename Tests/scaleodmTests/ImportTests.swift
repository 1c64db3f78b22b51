import Configuration
import Model
import Observability
import Testing

@testable import scaleodm

@Suite("Taking over ClusterODM's files")
struct ImportTests {
    private static let uuid = "6b2f2fae-4d9c-4b3a-9c7e-1f2d3c4b5a69"
    private static let other = "0c1c5b0e-8d7a-4f5b-9a0e-5a4b3c2d1e0f"

    private func nodes(_ text: String) throws -> [ClusterNode] {
        try ClusterNode.list(Array(text.utf8), file: "nodes.json")
    }

    private func routes(_ text: String) throws -> [ClusterRoute] {
        try ClusterRoute.list(Array(text.utf8), file: "routes.json")
    }

    private func complaint(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "nothing"
        } catch { return (error as? CommandError)?.message ?? "\(error)" }
    }

    @Test("nodes are read, whether the port is a text or a number")
    func readNodes() throws {
        let found = try nodes(
            """
            [{"hostname":"node1.example.org","port":"3000","token":""},
             {"hostname":"node2.example.org","port":443,"token":"s3cret","locked":true},
             {"hostname":"10.0.0.3","port":3000,"dockerMachine":{"name":"m1","created":1}},
             {"hostname":"NODE1.example.org","port":3000,"token":"x"}]
            """)
        #expect(
            found.map(\.url) == ["http://node1.example.org:3000", "https://node2.example.org", "http://10.0.0.3:3000"])
        #expect(found.map(\.token) == [nil, "s3cret", nil])
        #expect(found.map(\.isLocked) == [false, true, false])
        #expect(found.map(\.isSpawned) == [false, false, true])
    }

    @Test("tasks are read, the oldest first")
    func readRoutes() throws {
        let found = try routes(
            """
            {"\(Self.uuid)":{"node":{"hostname":"a","port":"1"},"token":"t","accessed":2000},
             "\(Self.other)":{"node":{"hostname":"b","port":2,"token":""},"accessed":1000}}
            """)
        #expect(found.map(\.task.string) == [Self.other, Self.uuid])
        #expect(found.map(\.token) == [nil, "t"])
        #expect(found.map(\.accessed?.milliseconds) == [1000, 2000])
    }

    @Test(
        "what is wrong is told with its place",
        arguments: [
            ("{}", "nodes.json: an array of nodes is expected"),
            ("[", "nodes.json is no JSON: "),
            ("[3]", "nodes.json: node 1: an object is expected"),
            (#"[{"hostname":"a","port":1},{"port":3000}]"#, "nodes.json: node 2: `hostname` is missing, or none"),
            (#"[{"hostname":"a\" x: \"${HOME}","port":3000}]"#, "nodes.json: node 1: `hostname` is missing, or none"),
            (#"[{"hostname":"a"}]"#, "nodes.json: node 1 (a): `port` is missing, or no number"),
            (#"[{"hostname":"a","port":70000}]"#, "nodes.json: node 1 (a): `port` is missing, or no number"),
            (#"[{"hostname":"a","port":"0"}]"#, "nodes.json: node 1 (a): `port` is missing, or no number"),
        ])
    func badNodes(text: String, message: String) {
        #expect(complaint { _ = try nodes(text) }.hasPrefix(message))
    }

    @Test(
        "a wrong task is told with its name",
        arguments: [
            ("[]", "routes.json: an object of tasks is expected"),
            (#"{"../x":{"node":{"hostname":"a","port":1}}}"#, "routes.json: task `../x`: that is no task's uuid"),
            (#"{"u1":{}}"#, "routes.json: task `u1`: `node` is missing"),
            (#"{"u1":{"node":{"hostname":"a"}}}"#, "routes.json: task `u1`: node (a): `port` is missing"),
        ])
    func badRoutes(text: String, message: String) {
        #expect(complaint { _ = try routes(text) }.hasPrefix(message))
    }

    @Test("backends are called as their hosts are, each once")
    func names() throws {
        let plan = ImportPlan(
            nodes: try nodes(
                """
                [{"hostname":"odm","port":3000},{"hostname":"odm","port":3001},{"hostname":"ODM","port":3002},
                 {"hostname":"fe80::1","port":3000},{"hostname":"-","port":3000}]
                """), routes: [])
        #expect(plan.backends.map(\.name) == ["odm", "odm-3001", "ODM-3002", "fe80--1", "node"])
        #expect(plan.backends[3].node.url == "http://[fe80::1]:3000")
    }

    @Test("each client's token becomes one that is known by its digest, and owns its tasks")
    func owners() throws {
        let plan = ImportPlan(
            nodes: try nodes(#"[{"hostname":"a","port":1}]"#),
            routes: try routes(
                """
                {"u1":{"node":{"hostname":"a","port":"1"},"token":"one","accessed":1},
                 "u2":{"node":{"hostname":"a","port":"1"},"token":"two","accessed":2},
                 "u3":{"node":{"hostname":"a","port":"1"},"token":"one","accessed":3}}
                """))
        #expect(plan.tasks.map(\.owner) == ["clusterodm-1", "clusterodm-2", "clusterodm-1"])
        #expect(plan.clients.count == 2)
        #expect(plan.isTokenRequired)
        #expect(plan.warnings == [])
    }

    @Test("with tasks of clients without a token, others may come without one, too, and that is told")
    func mixedOwners() throws {
        let plan = ImportPlan(
            nodes: try nodes(#"[{"hostname":"a","port":1}]"#),
            routes: try routes(
                #"{"u1":{"node":{"hostname":"a","port":1},"token":"one"},"u2":{"node":{"hostname":"a","port":1}}}"#))
        #expect(!plan.isTokenRequired)
        #expect(plan.warnings.count == 1)
    }

    @Test("nodes of the autoscaler stay for their tasks only, locked, and so does one that left the list")
    func spawned() throws {
        let plan = ImportPlan(
            nodes: try nodes(
                """
                [{"hostname":"a","port":1,"dockerMachine":{}},{"hostname":"b","port":1,"dockerMachine":{}},
                 {"hostname":"c","port":1}]
                """),
            routes: try routes(
                #"{"u1":{"node":{"hostname":"a","port":1}},"u2":{"node":{"hostname":"gone","port":9}}}"#))
        #expect(plan.backends.map(\.name) == ["a", "c", "gone"])
        #expect(plan.locked == ["a", "gone"])
        #expect(plan.warnings.count == 3)
    }

    @Test("the inventory holds no token, and means what the files say")
    func inventory() throws {
        let plan = ImportPlan(
            nodes: try nodes(#"[{"hostname":"a","port":3000,"token":"n0de-token"},{"hostname":"b","port":443}]"#),
            routes: try routes(#"{"u1":{"node":{"hostname":"a","port":3000},"token":"client-token"}}"#))
        let written = ImportedInventory(plan: plan, listen: "127.0.0.1:3000", isDatabaseElsewhere: false).text
        #expect(!written.contains("n0de-token") && !written.contains("client-token"))
        let loader = InventoryLoader(environment: { _ in nil }, secretFile: { _ in Secret("n0de-token") })
        let inventory = try loader.load(text: written, path: "/srv/odm/gateway.yaml").inventory
        #expect("\(inventory.listen)" == "127.0.0.1:3000")
        #expect(inventory.backends.map(\.name.string) == ["a", "b"])
        #expect(inventory.backends[0].token?.matches("n0de-token") == true)
        #expect(inventory.auth.tokens.map(\.name) == ["clusterodm-1"])
        #expect(inventory.auth.required)
    }
}
