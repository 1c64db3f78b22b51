import Model
import Observability
import Testing

@testable import Configuration

@Suite("Comparing inventories")
struct ComparingTests {
    private static func load(_ text: String) throws -> Inventory {
        try InventoryLoader(environment: { ["TOKEN": "one"][$0] }).load(text: text, path: "gateway.yaml").inventory
    }

    @Test("the keys that differ are named, lists as a whole")
    func keys() throws {
        let one = try Self.load("backends: []\nscheduling: {refresh: 5s}\n")
        let other = try Self.load(
            """
            listen: 127.0.0.1:1
            scheduling: {refresh: 6s, attempts: 9}
            database: sqlite:elsewhere.db
            backends: [{name: a, url: "http://a.example.org"}]
            """)
        #expect(
            one.keys(differingFrom: other)
                == ["listen", "database", "scheduling.refresh", "scheduling.attempts", "backends"])
        #expect(one.keys(differingFrom: one).isEmpty)
    }

    @Test("a section that is there in one of the two alone is named")
    func sections() throws {
        let one = try Self.load("backends: []\n")
        let other = try Self.load(
            "backends: []\nstorage: {s3: {bucket: b, access_key_id: \"${TOKEN}\", secret_access_key: \"${TOKEN}\"}}\n")
        #expect(one.keys(differingFrom: other) == ["storage.s3"])
    }

    @Test("the place of a backend is its url and kind, whatever else it says")
    func places() throws {
        let backends = try Self.load(
            """
            backends:
              - {name: a, url: "http://a.example.org:3000/"}
              - {name: b, url: "http://a.example.org:3000", tier: 2, token: "${TOKEN}"}
              - {name: c, url: "http://a.example.org:3001", token: literal}
            """
        ).backends
        #expect(backends[0].place == backends[1].place)
        #expect(backends[1].place != backends[2].place)
        #expect(backends.map(\.hasLiteralSecret) == [false, false, true])
    }

    @Test("what only the scheduler sees needs no other connection")
    func connections() throws {
        let one = BackendDefinition(name: BackendName(recorded: "a"), url: HTTPURL("http://a.example.org"))
        var other = one
        (other.tier, other.weight, other.labels, other.maxImages) = (1, 2, ["x": "y"], 3)
        #expect(one.isServed(like: other))
        other.token = Secret("t")
        #expect(!one.isServed(like: other))
    }
}
