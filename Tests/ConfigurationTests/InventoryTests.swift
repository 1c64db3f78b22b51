import Configuration
import Model
import Observability
import Testing
import YAML

@Suite("The inventory")
struct InventoryTests {
    private let world = ["LEGACY_1_TOKEN": "t", "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "key"]

    @Test("every example loads", arguments: ["config/gateway.example.yaml", "config/minimal.yaml"])
    func examples(path: String) throws {
        let loaded = try loader().load(path: "\(package)/\(path)")
        #expect(loaded.warnings.isEmpty)
        #expect(!loaded.inventory.backends.isEmpty)
    }

    @Test("every key of the surface is known, and all that is refused is on the one list")
    func surface() throws {
        let found = problems(
            try file("Tests/Fixtures/inventory-surface.yaml"), environment: world,
            files: ["/var/run/secrets/fra/token": "x"])
        #expect(!found.isEmpty)
        for problem in found { #expect(problem.hasSuffix("not supported yet"), "\(problem)") }
        let places = found.compactMap { $0.split(separator: ": ").dropFirst().first.map(String.init) }
        #expect(
            places == ["tls"])
    }

    @Test("a file without mistakes that asks for more than there is says so by its code")
    func notSupportedCode() {
        let error = #expect(throws: InventoryError.self) {
            try load("public_address: https://a.example.org\nbackends: []\n")
        }
        #expect(error?.code == .notSupported)
        #expect(error?.description == "gateway.yaml:1:17: public_address: `https://a.example.org` is not supported yet")
        let invalid = #expect(throws: InventoryError.self) {
            try load("public_address: https://a.example.org\nbackend: []\n")
        }
        #expect(invalid?.code == .invalid)
    }

    @Test("the smallest file has every default of the surface")
    func defaults() throws {
        let inventory = try load("backends:\n  - {name: a, url: \"http://node1.example.org:3000\"}\n").inventory
        var expected = Inventory()
        let name = try #require(BackendName("a"))
        let url = try #require(HTTPURL("http://node1.example.org:3000"))
        expected.backends = [BackendDefinition(name: name, url: url)]
        #expect(inventory == expected)
        #expect(inventory.listen.description == "0.0.0.0:31100")
        #expect(inventory.admin.listen.description == "127.0.0.1:31101")
        #expect(inventory.limits.uploadTask == .gibibytes(2048))
        #expect(inventory.backends.first?.kind == .nodeodm)
        #expect(inventory.backends.first?.settings == .nodeodm(NodeODMSettings()))
    }

    @Test("the surface's values are the defaults wherever the surface states a default")
    func surfaceStatesDefaults() throws {
        var text = try file("config/gateway.example.yaml")
        let start = try #require(text.range(of: "\nbackends:")?.lowerBound)
        text = text[..<start] + "\nbackends: []\n"
        var inventory = try load(String(text)).inventory
        inventory.auth.tokens = []
        #expect(inventory == Inventory())
    }

    @Test("five mistakes at once are five problems, each at its place, with what was expected and found")
    func fiveMistakes() {
        let text = """
            lisen: 0.0.0.0:1
            limits: {header: 64KB}
            scheduling:
              refresh: 5
            auth:
              unauthorized: nododm
            backends:
              - name: a b
                kind: nodeodm
                url: ftp://node1.example.org
            """
        #expect(
            problems(text) == [
                "gateway.yaml:1:1: unknown key `lisen`; did you mean `listen`?",
                "gateway.yaml:2:18: limits.header: expected a size such as 64KiB, 1GiB or 2TiB, from 1KiB to 1MiB, found `64KB`",
                "gateway.yaml:4:12: scheduling.refresh: expected a duration such as 500ms, 5s, 10m, 48h or 30d"
                    + " of at least 100ms, found `5`",
                "gateway.yaml:6:17: auth.unauthorized: expected `status`, `nodeodm`, found `nododm`; did you mean `nodeodm`?",
                "gateway.yaml:8:11: backends[a b].name: expected a name (letters, digits, `.`, `_`, `-`; at most 63),"
                    + " found `a b`",
                "gateway.yaml:10:10: backends[a b].url: expected a URL such as http://node1.example.org:3000,"
                    + " without credentials and query, found `ftp://node1.example.org`",
            ])
    }

    @Test("duplicate keys are told beside other mistakes")
    func duplicateKeys() {
        #expect(
            problems("backends: []\nlog: {level: loud}\nbackends: []\n") == [
                "gateway.yaml:2:14: log.level: expected `trace`, `debug`, `info`, `warning`, `error`, found `loud`",
                "gateway.yaml:3:1: the key `backends` stands here twice, first in line 1",
            ])
    }

    @Test("an empty list of backends is a warning, a missing one an error", arguments: ["", " []", " null"])
    func noBackends(list: String) throws {
        let loaded = try load("backends:\(list)\n")
        #expect(
            loaded.warnings.map(\.description) == [
                "gateway.yaml:1:1: backends: there is none, so that every task waits"
            ])
        #expect(problems("log: {}\n") == ["gateway.yaml:1:1: the key `backends` is missing"])
        #expect(problems("") == ["gateway.yaml:1:1: the key `backends` is missing"])
        #expect(problems("- a\n") == ["gateway.yaml:1:1: expected the keys of an inventory, found a list"])
    }

    @Test("relative paths are relative to the file's folder")
    func paths() throws {
        let text = "database: sqlite:a.db\nstorage: {directory: s}\nbackends:\n"
        let relative = try load(text, path: "conf/gateway.yaml").inventory
        #expect(relative.storage.directory == "conf/s")
        #expect(relative.database == .sqlite(path: "conf/a.db"))
        let absent = try load("backends:\n", path: "/etc/scaleodm/gateway.yaml").inventory
        #expect(absent.storage.directory == "/etc/scaleodm/data/storage")
        #expect(absent.database == .sqlite(path: "/etc/scaleodm/data/scaleodm.db"))
        #expect(
            try load("database: sqlite:/a\nbackends:\n", path: "c/g.yaml").inventory.database == .sqlite(path: "/a"))
    }

    @Test("a file that can't be read is an error with its name")
    func unreadable() {
        let error = #expect(throws: InventoryError.self) { try loader().load(path: "/nonexistent/gateway.yaml") }
        #expect(error?.code == .unreadable)
        #expect(error?.description == "/nonexistent/gateway.yaml: can't be read: No such file or directory")
        #expect(throws: InventoryError.self) { try loader().load(path: "/tmp") }
    }

    @Test("with a file the file wins over ScaleODM's variables, with a warning for each")
    func fileWins() throws {
        let loaded = try load(
            "database: ${SCALEODM_DATABASE_URL:-sqlite:a}\nbackends: []\n",
            environment: ["SCALEODM_ODM_IMAGE": "y", "SCALEODM_DATABASE_URL": "sqlite:b"])
        #expect(loaded.warnings.map(\.message).contains("the environment has SCALEODM_ODM_IMAGE; the file wins"))
        #expect(loaded.warnings.count == 2)
    }

    @Test("an anchor serves many backends")
    func anchors() throws {
        let text = """
            backends:
              - &node {name: a, url: "http://node1.example.org", tier: 2, labels: {gpu: true}}
              - {<<: *node, name: b, url: "http://node2.example.org"}
            """
        let backends = try load(text).inventory.backends
        #expect(backends.map(\.tier) == [2, 2])
        #expect(backends.map(\.labels) == [["gpu": "true"], ["gpu": "true"]])
    }

    @Test("no cut of the example and no random byte in it ends the program")
    func mutilated() throws {
        let text = Array(try file("Tests/Fixtures/inventory-surface.yaml").utf8)
        var state: UInt64 = 7
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        for round in 0..<400 {
            var bytes = round % 2 == 0 ? Array(text.prefix(random(text.count))) : text
            for _ in 0..<(round % 7) where !bytes.isEmpty {
                bytes[random(bytes.count)] = UInt8(random(256))
            }
            _ = problems(String(decoding: bytes, as: UTF8.self), environment: world)
        }
    }
}

extension String {
    fileprivate func range(of text: String) -> Range<Index>? {
        indices.first { self[$0...].hasPrefix(text) }.map { $0..<index($0, offsetBy: text.count) }
    }
}
