import Model
import NodeODM
import Testing

@testable import Backends

@Suite("The Workflow that a task becomes")
struct ManifestTests {
    /// Texts that a shell, Argo or YAML would make something of.
    static let nasty = [
        "$(touch /tmp/x)", "`id`", "{{workflow.name}}", "{{=sprig.env(\"HOME\")}}", "a;b|c&d>e", "\"quoted\" 'twice'",
        "line\nend", "-dash", "back\\slash", "\"b64_source\":\"AAAA\"", "ünï©ode",
    ]

    @Test("no text of a user stands anywhere but in GW_TASK_B64, and there it arrives whole", arguments: nasty)
    func noInjection(text: String) throws {
        var task = try Fixtures.task(options: [TaskOption(name: "cameras", value: .string(text))])
        task.outputs = [text]
        task.region = text
        task.selection.excludes = [text]
        let manifest = try WorkflowManifest(task, profile: WorkflowProfile(), gateway: Fixtures.gateway)
        #expect(!manifest.json.allTexts.contains { $0.contains(text) && !Self.isFixed($0) })
        let document = try Self.document(of: manifest)
        #expect(document["outputs"]?.array == [.string(text)])
        let arguments = (document["args"]?.array ?? []).compactMap(\.text)
        #expect(arguments == (text.hasPrefix("-") ? ["--cameras=\(text)"] : ["--cameras", text]))
    }

    /// Argo's expressions of ours, and the scripts, are the same for every task.
    private static func isFixed(_ text: String) -> Bool {
        let scripts = [ArgoScripts.download, ArgoScripts.process, ArgoScripts.upload, ArgoScripts.finish]
        return scripts.contains(text) || text == WorkflowParts.retryExpression
    }

    static func document(of manifest: WorkflowManifest) throws -> JSONValue {
        let variables = try #require(
            manifest.json.at("spec", "templates", "0", "containerSet", "containers", "0", "env")?.array)
        let packed = try #require(variables.first { $0["name"]?.text == "GW_TASK_B64" }?["value"]?.text)
        return try JSONValue(parsing: try #require(Base64URL.decode(packed)))
    }

    @Test("nothing in the scripts is expanded by Argo")
    func scriptsAreInert() {
        for script in [ArgoScripts.download, ArgoScripts.process, ArgoScripts.upload, ArgoScripts.finish] {
            #expect(!script.contains("{{"))
            #expect(script.utf8.count > 100)
        }
    }

    @Test("options become an argument vector: typed, once each, the forbidden and the forced left out")
    func argumentVector() {
        let options = [
            TaskOption(name: "dsm", value: .bool(true)), TaskOption(name: "dtm", value: .bool(false)),
            TaskOption(name: "crop", value: .double(5.0)), TaskOption(name: "dem-resolution", value: .double(-0.5)),
            TaskOption(name: "min-num-features", value: .integer(8000)), TaskOption(name: "crop", value: .integer(9)),
            TaskOption(name: "project-path", value: .string("/etc")),
            TaskOption(name: "rerun-from", value: .string("odm_dem")),
            TaskOption(name: "max-concurrency", value: .integer(99)),
            TaskOption(name: "x; rm -rf /", value: .bool(true)),
        ]
        #expect(
            EngineArguments.vector(of: options, without: ["max-concurrency"]) == [
                "--dsm", "--crop", "5", "--dem-resolution=-0.5", "--min-num-features", "8000",
            ])
    }

    @Test("the shape is the contract's: one pod, three containers, an exit handler, retries, limits")
    func shape() throws {
        let manifest = try WorkflowManifest(
            try Fixtures.task(attempt: 2), profile: WorkflowProfile(), gateway: Fixtures.gateway)
        let spec = try #require(manifest.json["spec"])
        let main = try #require(spec.at("templates", "0"))
        let containers = try #require(main.at("containerSet", "containers")?.array)
        #expect(manifest.json.at("metadata", "name")?.text == "odm-pipeline-bcd2456789-r2")
        #expect(manifest.json.at("metadata", "generateName") == nil)
        #expect(manifest.json.at("metadata", "labels", "odm-gateway/task")?.text == "odm-pipeline-bcd2456789")
        #expect(manifest.json.at("metadata", "labels", "odm-gateway/attempt")?.text == "2")
        #expect(spec.at("podMetadata", "labels", "odm-gateway/gateway")?.text == Fixtures.gateway)
        #expect(containers.map { $0["name"]?.text } == ["download", "process", "upload"])
        #expect(containers.map { $0["dependencies"]?.array } == [nil, [.string("download")], [.string("process")]])
        #expect(main.at("retryStrategy", "limit")?.text == "2")
        #expect(main.at("metadata", "annotations", "workflows.argoproj.io/progress")?.text == "0/100")
        #expect(spec["onExit"]?.text == "finish")
        #expect(spec.at("ttlStrategy", "secondsAfterFailure")?.integer == 604_800)
        #expect(spec.at("volumes", "0", "emptyDir", "sizeLimit")?.text == "20Gi")
        #expect(try Self.document(of: manifest)["forced"]?.array == [.string("--max-concurrency"), .string("4")])
    }

    @Test("the keys of the object store come from the secret, never from the manifest")
    func credentials() throws {
        var profile = WorkflowProfile()
        profile.s3Secret = "keys"
        let manifest = try WorkflowManifest(try Fixtures.task(), profile: profile, gateway: Fixtures.gateway)
        for index in ["0", "1", "2"] {
            let path =
                manifest.json.at("spec", "templates", "0", "containerSet", "containers", index, "env")?.array ?? []
            let secret = path.first { $0["name"]?.text == "AWS_SECRET_ACCESS_KEY" }
            #expect(secret?.at("valueFrom", "secretKeyRef", "name")?.text == "keys")
            #expect(secret?["value"] == nil)
        }
        profile.s3Secret = ""
        let bare = try WorkflowManifest(try Fixtures.task(), profile: profile, gateway: Fixtures.gateway)
        #expect(!bare.json.allTexts.contains("AWS_SECRET_ACCESS_KEY"))
    }

    @Test("the same task makes the same bytes; another one doesn't")
    func digest() throws {
        let one = try WorkflowManifest(try Fixtures.task(), profile: WorkflowProfile(), gateway: Fixtures.gateway)
        let two = try WorkflowManifest(try Fixtures.task(), profile: WorkflowProfile(), gateway: Fixtures.gateway)
        #expect(one.specDigest == two.specDigest && one.json == two.json)
        let dsm = try Fixtures.task(options: [TaskOption(name: "dsm", value: .bool(true))])
        let changed = try WorkflowManifest(dsm, profile: WorkflowProfile(), gateway: Fixtures.gateway)
        #expect(changed.specDigest != one.specDigest)
        #expect(one.json.at("metadata", "annotations", "odm-gateway/spec-sha256")?.text == one.specDigest)
    }

    @Test("a description that is too long for a variable is stored, and only named")
    func longDescription() throws {
        let text = String(repeating: "x", count: 70_000)
        let task = try Fixtures.task(options: [TaskOption(name: "boundary", value: .string(text))])
        #expect(throws: ManifestError.self) {
            try WorkflowManifest(task, profile: WorkflowProfile(), gateway: Fixtures.gateway)
        }
        let place = try #require(S3URL(bucket: "imagery", prefix: "scaleodm"))
        let manifest = try WorkflowManifest(
            task, profile: WorkflowProfile(), gateway: Fixtures.gateway, documents: place)
        #expect(manifest.document?.name == "odm-pipeline-bcd2456789/task-1.json")
        #expect(manifest.json.encoded.count < 60_000 && !manifest.json.allTexts.contains("GW_TASK_B64"))
        #expect(manifest.json.allTexts.contains("scaleodm/odm-pipeline-bcd2456789/task-1.json"))
    }

    @Test("an image must be one that is allowed, in a tame alphabet")
    func images() throws {
        var profile = WorkflowProfile()
        profile.allowedEngineImages = ["opendronemap/odm:gpu", "registry.example.org:5000/odm"]
        #expect(try profile.image(asked: nil) == "opendronemap/odm:3.6.0")
        #expect(try profile.image(asked: "opendronemap/odm:gpu") == "opendronemap/odm:gpu")
        #expect(
            try profile.image(asked: "registry.example.org:5000/odm@sha256:ab")
                == "registry.example.org:5000/odm@sha256:ab")
        for refused in [
            "evil/odm:1", "opendronemap/odm:3.5.5", "opendronemap/odm2:1", "opendronemap/odm:{{x}}",
            "opendronemap/odm:1 --x",
        ] {
            #expect(throws: ManifestError.self, "\(refused)") { try profile.image(asked: refused) }
        }
    }
}
