import Configuration
import Observability
import Testing

@Suite("An inventory without a file")
struct EnvironmentInventoryTests {
    /// What the Deployment of ScaleODM's description sets, and what every pod has.
    private static let deployment = [
        "SCALEODM_DATABASE_URL": "postgresql://user:pass@localhost:5432/scaleodm", "K8S_NAMESPACE": "default",
        "SCALEODM_ODM_IMAGE": "opendronemap/odm:3.6.0", "KUBERNETES_SERVICE_HOST": "10.0.0.1",
    ]
    private static let keys = ["AWS_ACCESS_KEY_ID": "i", "AWS_SECRET_ACCESS_KEY": "s"]

    private func load(_ more: [String: String] = [:], without name: String? = nil) throws -> LoadedInventory {
        var world = Self.deployment.merging(more) { $1 }
        if let name { world[name] = nil }
        return try loader(world).loadFromEnvironment()
    }

    private func problems(_ more: [String: String] = [:], without name: String? = nil) -> [String] {
        do {
            _ = try load(more, without: name)
            return []
        } catch {
            return (error as? InventoryError)?.problems.map(\.description) ?? ["\(error)"]
        }
    }

    @Test("is one Argo backend in the cluster around, as ScaleODM's own Deployment sets it up")
    func deployment() throws {
        let loaded = try load()
        let inventory = loaded.inventory
        #expect(inventory.database.masked == "postgresql://user:***@localhost:5432/scaleodm")
        #expect(inventory.listen.description == "0.0.0.0:31100" && inventory.admin.listen.isLoopback)
        let backend = try #require(inventory.backends.first)
        #expect(inventory.backends.count == 1 && backend.url == nil && backend.maxParallelTasks == nil)
        guard case .argo(let argo) = backend.settings else {
            Issue.record("of another kind")
            return
        }
        #expect(argo.api == .kubernetes && argo.namespace == "default")
        #expect(argo.workflow.odmImage == "opendronemap/odm:3.6.0" && argo.workflow.s3Secret == "scaleodm-s3")
        let s3 = try #require(inventory.storage.s3)
        #expect(s3.bucket.isEmpty && s3.accessKeyID == nil && s3.endpoint.host == "s3.amazonaws.com")
        // What works less than it could is told by the names of the variables.
        let told = loaded.warnings.map(\.description).joined(separator: "\n")
        #expect(told.contains("SCALEODM_S3_BUCKET") && told.contains("AWS_ACCESS_KEY_ID"))
    }

    @Test("takes the object store from the variables that ScaleODM reads")
    func objectStore() throws {
        var world = Self.keys
        world["AWS_S3_ENDPOINT"] = "http://garage.example.org:3900"
        world["AWS_DEFAULT_REGION"] = "garage"
        world["AWS_S3_SECRET_NAME"] = "odm-s3"
        world["SCALEODM_S3_BUCKET"] = "imagery"
        let loaded = try load(world)
        let s3 = try #require(loaded.inventory.storage.s3)
        #expect(s3.endpoint.origin == "http://garage.example.org:3900" && s3.region == "garage" && s3.usesPathStyle)
        #expect(s3.bucket == "imagery" && s3.prefix == "scaleodm/")
        #expect(s3.secretAccessKey == Secret("s", origin: .reference("${AWS_SECRET_ACCESS_KEY}")))
        if case .argo(let argo) = loaded.inventory.backends.first?.settings {
            #expect(argo.workflow.s3Secret == "odm-s3")
        }
        #expect(loaded.warnings.isEmpty)
        // ScaleODM's chart names a host alone.
        world["AWS_S3_ENDPOINT"] = "s3.example.org"
        #expect(try load(world).inventory.storage.s3?.endpoint.origin == "https://s3.example.org")
    }

    @Test(
        "what is missing is told by its name, all at once",
        arguments: [
            ("SCALEODM_DATABASE_URL", [:], ["SCALEODM_DATABASE_URL"]),
            ("KUBERNETES_SERVICE_HOST", [:], ["KUBERNETES_SERVICE_HOST"]),
            (
                nil, ["SCALEODM_DATABASE_URL": "", "KUBERNETES_SERVICE_HOST": ""],
                ["SCALEODM_DATABASE_URL", "KUBERNETES_"]
            ),
            (nil, ["AWS_ACCESS_KEY_ID": "i"], ["AWS_SECRET_ACCESS_KEY isn't set"]),
            (nil, ["SCALEODM_S3_BUCKET": "b"], ["AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"]),
        ] as [(String?, [String: String], [String])])
    func missing(without name: String?, world: [String: String], expected: [String]) {
        let found = problems(world, without: name)
        #expect(found.count == expected.count, "\(found)")
        for (problem, name) in zip(found, expected) {
            #expect(problem.hasPrefix("environment: \(name)"), "\(problem)")
        }
    }

    @Test(
        "what is wrong is told by its name, and not shown",
        arguments: [
            ("SCALEODM_DATABASE_URL", "mysql://u:hunter2@h/d"), ("AWS_S3_ENDPOINT", "ftp://hunter2"),
            ("K8S_NAMESPACE", "hunter2\n"), ("SCALEODM_LISTEN", "hunter2"),
        ])
    func wrong(name: String, value: String) {
        let found = problems([name: value])
        #expect(found.count == 1 && found.allSatisfy { $0.hasPrefix("environment: \(name): ") }, "\(found)")
        #expect(found.allSatisfy { !$0.contains("hunter2") }, "\(found)")
    }

    @Test("an admin listener that others reach wants its token from the environment too")
    func admin() throws {
        let open = ["SCALEODM_ADMIN_LISTEN": "0.0.0.0:31101"]
        #expect(problems(open).first?.hasPrefix("environment: SCALEODM_ADMIN_LISTEN: ") == true)
        #expect(try load(open.merging(["SCALEODM_ADMIN_TOKEN": "t"]) { $1 }).inventory.admin.token?.reveal() == "t")
    }

    @Test("what it shows is a file that loads")
    func printed() throws {
        let world = Self.keys.merging(["SCALEODM_S3_BUCKET": "imagery"]) { $1 }
        let text = try load(world).inventory.printed(secrets: .references)
        let again = try loader(Self.deployment.merging(world) { $1 }).load(text: text, path: "gateway.yaml")
        #expect(try again.inventory == load(world).inventory)
    }
}
