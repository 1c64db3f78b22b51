import Backends
import Configuration
import Glibc
import HTTPClient
import Model
import NodeODM
import Observability
import Reactor
import TestSupport
import Testing
import YAML

@testable import Gateway

@Suite("An Argo cluster of the inventory")
struct ArgoInventoryTests {
    private static func backend(
        _ change: @escaping @Sendable (inout ArgoSettings) -> Void, url: String? = "https://argo.example.org:2746/base/"
    ) async throws -> BackendKind {
        try await LoopRunner.onLoop { loop in
            let curl = CurlClient(loop: loop)
            var definition = BackendDefinition(
                name: try #require(BackendName("fra")), url: url.flatMap { HTTPURL($0) }, kind: .argo)
            var argo = ArgoSettings()
            change(&argo)
            definition.settings = .argo(argo)
            var s3 = S3Settings()
            s3.bucket = "imagery"
            let around = ArgoBackend.Surroundings(
                gateway: "g", s3: s3, calls: curl, streams: curl, objects: nil, records: nil, clock: SystemClock(),
                logger: nil)
            defer { Task { await curl.close() } }
            return try ArgoBackend(definition, around).kind
        }
    }

    private static func failure(
        _ change: @escaping @Sendable (inout ArgoSettings) -> Void, url: String? = "https://x.example.org"
    ) async -> String {
        do { _ = try await backend(change, url: url) } catch { return "\(error)" }
        return ""
    }

    /// A file with a text, for the length of a test.
    private static func withFile(_ text: String, _ body: (String) async throws -> Void) async throws {
        var template = Array("/tmp/scaleodm-template-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        try #require(descriptor >= 0)
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer {
            close(descriptor)
            unlink(path)
        }
        let count = write(descriptor, text, text.utf8.count)
        try #require(count == text.utf8.count)
        try await body(path)
    }

    @Test("the defaults make a backend")
    func defaults() async throws {
        let kind = try await Self.backend { _ in }
        #expect(kind == .argo)
    }

    @Test("mistakes in the workflow's settings are told at load, by their key")
    func mistakes() async throws {
        #expect(await Self.failure { $0.workflow.workspace.size = "big" }.contains("workspace.size"))
        let wrong = YAMLValue.mapping([("cpu", .plain("4"))])
        #expect(await Self.failure { $0.workflow.resources = wrong }.contains("cpu"))
        #expect(await Self.failure { $0.workflow.templateFile = "/nonexistent.yaml" }.contains("can't be read"))
        #expect(await Self.failure({ _ in }, url: nil).contains("doesn't run in a cluster"))
    }

    @Test("a template of the operator's own is read from its file and checked")
    func template() async throws {
        let good = """
            apiVersion: argoproj.io/v1alpha1
            kind: Workflow
            metadata: {labels: {team: maps}}
            spec:
              entrypoint: run
              templates:
                - name: run
                  containerSet:
                    containers:
                      - {name: download, image: registry.example.org/get:1}
                      - {name: process, image: registry.example.org/odm:1}
                      - {name: upload, image: registry.example.org/put:1}
            """
        try await Self.withFile(good) { path in
            let kind = try await Self.backend { $0.workflow.templateFile = path }
            #expect(kind == .argo)
        }
        try await Self.withFile(good.replacing("upload", with: "uplaod")) { path in
            #expect(await Self.failure { $0.workflow.templateFile = path }.contains("upload"))
        }
        try await Self.withFile("kind: [") { path in
            #expect(await Self.failure { $0.workflow.templateFile = path }.contains("template_file"))
        }
    }
}
