import Configuration
import Observability
import Testing

@Suite("The printed inventory")
struct PrintingTests {
    private let text = """
        listen: "[::1]:8000"
        admin: {token: "${ADMIN}"}
        cors: {origins: [https://webodm.example.org]}
        log: {format: json, level: debug}
        database: postgresql://u:secret-p@h/d
        storage: {directory: "/data/$${x}", sync: false, min_free: 0B}
        limits: {images: 10, idle: 90s}
        auth: {required: false, tokens: [{name: webodm, sha256: \(String(repeating: "AB", count: 32))}]}
        webhooks: {url: "http://hook.example.org/a?b=c"}
        backends:
          - {name: a, url: "http://node1.example.org:3000", token: secret-t, labels: {gpu: "true", n: 5}, weight: 1.5}
          - {name: "123", url: "https://node2.example.org", token_file: /t, dead_after: null, on_vanished: fail, ca_file: c.pem}
        """

    private func loaded() throws -> Inventory {
        try load(text, environment: ["ADMIN": "secret-a"], files: ["/t": "secret-f"]).inventory
    }

    @Test("no secret is printed for people")
    func masked() throws {
        let printed = try loaded().printed()
        #expect(!printed.contains("secret-"))
        #expect(printed.contains("postgresql://u:***@h/d"))
        #expect(printed.contains("token_file: /t"))
        #expect(printed.contains("  token: \"***\""))
        for key in ["task_retention: 30d", "min_free: 0B", "idle: 90s", "dead_after: null", "provider_url: null"] {
            #expect(printed.contains(key))
        }
    }

    @Test("what is printed with its secrets loads as the same inventory")
    func roundTrip() throws {
        let inventory = try loaded()
        let printed = inventory.printed(secrets: .referencesAndLiterals)
        #expect(!printed.contains("secret-a"))
        #expect(!printed.contains("secret-f"))
        let again = try load(printed, environment: ["ADMIN": "secret-a"], files: ["/t": "secret-f"]).inventory
        #expect(again == inventory)
    }

    @Test("a backend's definition is kept with its references unexpanded, and read again")
    func definitions() throws {
        let backends = try loaded().backends
        let world = loader(["ADMIN": "secret-a"], ["/t": "secret-f"])
        for backend in backends {
            let kept = backend.printed(secrets: .referencesAndLiterals)
            #expect(try world.loadBackend(text: kept, path: "the record") == backend)
            #expect(!backend.printed(secrets: .references).contains("secret-"))
        }
        #expect(throws: InventoryError.self) { try world.loadBackend(text: "", path: "the record") }
        #expect(throws: InventoryError.self) { try world.loadBackend(text: "{name: a}", path: "the record") }
    }
}
