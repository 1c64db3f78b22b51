import Model
import NodeODM
import Testing

@testable import Backends

/// Manifests of a table of tasks, compared with files that the conformance suite validates against Argo's own schema.
@Suite("Manifests as they were reviewed")
struct GoldenManifestTests {
    @Test("manifests are those of the files", arguments: ["upload", "pipeline-r3", "everything", "template", "cloud"])
    func golden(name: String) throws {
        let (task, profile) = try Self.input(name)
        let manifest = try WorkflowManifest(task, profile: profile, gateway: Fixtures.gateway)
        let text = Self.withoutScripts(manifest.json, digest: manifest.specDigest).pretty() + "\n"
        #expect(try Fixtures.kept("\(name).json", being: text) == text)
    }

    private static func input(_ name: String) throws -> (WorkflowTask, WorkflowProfile) {
        var profile = WorkflowProfile()
        profile.s3Endpoint = "http://s3.example.org:9000"
        switch name {
        case "upload": return (try Fixtures.task("6F9619FF-8B86-4011-B42D-00CF4FC964FF"), profile)
        case "pipeline-r3": return (try Fixtures.task(attempt: 3, images: 800, bytes: .gibibytes(6)), profile)
        case "template":
            profile.template = try WorkflowTemplateFile(json: TemplateFileTests.operators())
            return (try Fixtures.task(), profile)
        case "cloud":
            profile.s3Endpoint = nil
            profile.usesPathStyle = false
            profile.s3Secret = ""
            return (try Fixtures.task(), profile)
        default: return (try everything(), try everySetting(profile))
        }
    }

    private static func everything() throws -> WorkflowTask {
        var task = try Fixtures.task(
            options: [
                TaskOption(name: "dsm", value: .bool(true)), TaskOption(name: "crop", value: .double(2.5)),
                TaskOption(name: "cameras", value: .string("{{workflow.name}} $(id) `x` \"q\"\n;")),
            ], images: 6000, bytes: .gibibytes(60))
        task.outputs = ["odm_orthophoto/odm_orthophoto.tif", "opensfm"]
        task.input = try #require(S3URL(bucket: "survey", prefix: "flight {{1}}/raw"))
        task.output = try #require(S3URL(bucket: "survey", prefix: "flight {{1}}/raw/output"))
        task.selection = InputSelection(depth: 3, excludes: ["drafts/**"], usesDefaultExcludes: true)
        task.endpoint = "https://inner.example.org"
        task.region = "eu-central-1"
        task.engineImage = "opendronemap/odm:gpu"
        task.capacity = .spot
        task.memoryStep = 1
        return task
    }

    private static func everySetting(_ base: WorkflowProfile) throws -> WorkflowProfile {
        var profile = base
        profile.allowedEngineImages = ["opendronemap/odm"]
        profile.storageClass = "fast"
        profile.workspaceSize = .gibibytes(500)
        profile.archivesLogs = true
        profile.activeDeadline = .seconds(3600)
        profile.placement = .init(
            nodeSelector: ["pool": "odm"],
            tolerations: [try Fixtures.json(#"{"key":"odm","operator":"Exists","effect":"NoSchedule"}"#)])
        profile.onDemand = .init(nodeSelector: ["karpenter.sh/capacity-type": "on-demand"])
        profile.spot = .init(nodeSelector: ["karpenter.sh/capacity-type": "spot"])
        profile.resources = try ResourceOverrides(
            json: Fixtures.json(#"{"process":{"limits":{"nvidia.com/gpu":"1"}},"finish":{"requests":{"cpu":"10m"}}}"#))
        return profile
    }

    /// The scripts have tests of their own, and would only hide what differs.
    private static func withoutScripts(_ json: JSONValue, digest: String) -> JSONValue {
        let names = [
            digest: "<sha256 of the spec>",
            ArgoScripts.download: "<download.sh>", ArgoScripts.process: "<process.py>",
            ArgoScripts.upload: "<upload.py>", ArgoScripts.finish: "<finish.sh>",
        ]
        switch json {
        case .string(let text): return .string(names[text] ?? text)
        case .array(let elements): return .array(elements.map { withoutScripts($0, digest: digest) })
        case .object(let members):
            return .object(members.map { JSONMember(name: $0.name, value: withoutScripts($0.value, digest: digest)) })
        case .null, .bool, .integer, .double: return json
        }
    }
}

@Suite("A Workflow of the operator's own")
struct TemplateFileTests {
    static func operators() throws -> JSONValue {
        try Fixtures.json(
            #"""
            {"apiVersion":"argoproj.io/v1alpha1","kind":"Workflow",
             "metadata":{"generateName":"mine-","labels":{"team":"maps"},"annotations":{"owner":"ops"}},
             "spec":{"entrypoint":"run","activeDeadlineSeconds":5,"priority":7,"templates":[
               {"name":"run","containerSet":{"containers":[
                 {"name":"download","image":"registry.example.org/get:1","command":["get"]},
                 {"name":"process","image":"registry.example.org/odm:1","command":["odm"],
                  "env":[{"name":"MINE","value":"1"},{"name":"GW_TASK_B64","value":"old"}]},
                 {"name":"upload","image":"registry.example.org/put:1","command":["put"]},
                 {"name":"metrics","image":"registry.example.org/metrics:1","command":["metrics"]}]}},
               {"name":"other","container":{"image":"registry.example.org/x:1","command":["x"]}}]}}
            """#)
    }

    @Test("it keeps its own, and gets name, labels, deadline, TTL, task and keys")
    func filled() throws {
        var profile = WorkflowProfile()
        profile.template = try WorkflowTemplateFile(json: Self.operators())
        let json = try WorkflowManifest(try Fixtures.task(), profile: profile, gateway: Fixtures.gateway).json
        #expect(json.at("metadata", "name")?.text == "odm-pipeline-bcd2456789")
        #expect(json.at("metadata", "generateName") == nil)
        #expect(json.at("metadata", "labels", "team")?.text == "maps")
        #expect(json.at("metadata", "labels", "odm-gateway/gateway")?.text == Fixtures.gateway)
        #expect(json.at("metadata", "annotations", "owner")?.text == "ops")
        #expect(json.at("spec", "activeDeadlineSeconds")?.integer == 172_800)
        #expect(json.at("spec", "priority")?.integer == 7)
        let containers = json.at("spec", "templates", "0", "containerSet", "containers")?.array ?? []
        let told = containers.map { ($0["env"]?.array ?? []).compactMap { $0["name"]?.text } }
        #expect(
            told.prefix(3).allSatisfy {
                $0.filter { $0 == "GW_TASK_B64" }.count == 1 && $0.contains("AWS_ACCESS_KEY_ID")
            })
        #expect(told[1].contains("MINE") && told[3].isEmpty)
        #expect(containers[1].at("resources", "limits", "memory")?.text == "18Gi")
        #expect(containers[0]["resources"] == nil)
    }

    @Test("what the gateway couldn't drive is refused when it is loaded")
    func refused() throws {
        let good = try Self.operators()
        let spec = try #require(good["spec"])
        let cases: [(JSONValue, String)] = [
            (good.setting("kind", .string("WorkflowTemplate")), "must be a Workflow"),
            (good.setting("spec", spec.removing("entrypoint")), "entrypoint"),
            (good.setting("spec", spec.setting("entrypoint", .string("nope"))), "nope"),
            (good.setting("spec", spec.setting("entrypoint", .string("other"))), "download"),
            (.null, "must be a Workflow"),
        ]
        for (json, word) in cases {
            let error = #expect(throws: ManifestError.self) { try WorkflowTemplateFile(json: json) }
            #expect(error?.code == .inventory && error?.message.contains(word) == true, "\(word)")
        }
    }
}
