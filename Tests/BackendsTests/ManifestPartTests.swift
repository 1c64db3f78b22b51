import Model
import NodeODM
import Testing

@testable import Backends

@Suite("The parts of a Workflow")
struct ManifestPartTests {
    @Test(
        "memory follows the images",
        arguments: [(0, 16), (40, 18), (145, 25), (500, 48), (1000, 80), (12_000, 800), (13_750, 914)])
    func memory(images: Int, gibibytes: Int64) {
        let sizing = ResourceSizing(images: images, bytes: 0, options: [])
        #expect(sizing.memory == .gibibytes(gibibytes))
    }

    @Test("a fast orthophoto takes half, an elevation model half as much again, a run after a want of memory twice")
    func factors() {
        let fast = [TaskOption(name: "fast-orthophoto", value: .bool(true))]
        let model = [TaskOption(name: "dsm", value: .bool(true)), TaskOption(name: "dtm", value: .bool(true))]
        #expect(ResourceSizing(images: 1000, bytes: 0, options: fast).memory == .gibibytes(40))
        #expect(ResourceSizing(images: 1000, bytes: 0, options: model).memory == .gibibytes(120))
        #expect(ResourceSizing(images: 1000, bytes: 0, options: [], step: 1).memory == .gibibytes(160))
        #expect(ResourceSizing(images: 1000, bytes: 0, options: [], step: 60).memory == .gibibytes(1024))
        let wild = ResourceSizing(images: .max, bytes: ByteCount(.max), options: [], step: .max)
        #expect(wild.memory == .gibibytes(1024) && wild.cores == 64)
    }

    @Test("the inventory's classes go before the table, and its mistakes have a place")
    func overrides() throws {
        let overrides = try ResourceOverrides(
            json: Fixtures.json(
                #"{"memory":{"max":"100Gi"},"classes":[{"images":500,"memory":"64Gi","cpu":16,"workspace":"1Ti"}],"upload":{"limits":{"memory":"2Gi"}}}"#
            ))
        let small = ResourceSizing(images: 400, bytes: 0, options: [], overrides: overrides)
        #expect(small == ResourceSizing(images: 400, bytes: 0, options: [], overrides: overrides))
        #expect(small.memory == .gibibytes(64) && small.cores == 16 && small.workspace == .gibibytes(1024))
        #expect(ResourceSizing(images: 3000, bytes: 0, options: [], overrides: overrides).memory == .gibibytes(100))
        for (wrong, word) in [
            (#"{"cpu":1}"#, "cpu"), (#"{"classes":[{"memory":"1Gi"}]}"#, "classes[0].images"),
            (#"{"memory":{"min":"2 apples"}}"#, "memory.min"), (#"{"classes":[{"images":1,"gpu":1}]}"#, "gpu"),
            (#"{"memory":{"min":"2Gi","max":"1Gi"}}"#, "more than"), (#"{"classes":[{"images":1,"cpu":0}]}"#, "cpu"),
        ] {
            let json = try Fixtures.json(wrong)
            let error = #expect(throws: ManifestError.self) { try ResourceOverrides(json: json) }
            #expect(error?.message.contains(word) == true, "\(wrong)")
        }
    }

    @Test("quantities are read and written as Kubernetes does")
    func quantities() {
        #expect(KubernetesQuantity.bytes("64Gi") == 64 << 30)
        #expect(KubernetesQuantity.bytes("500M") == 500_000_000)
        #expect(KubernetesQuantity.bytes("12") == 12)
        for wrong in ["", "Gi", "-1Gi", "1.5Gi", "99999999999999Ti", "1 Gi"] {
            #expect(KubernetesQuantity.bytes(wrong) == nil)
        }
        #expect(KubernetesQuantity.text(64 << 30) == "64Gi" && KubernetesQuantity.text(1536 << 20) == "1536Mi")
    }

    @Test("base64 goes there and back", arguments: 0...65)
    func base64(count: Int) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 251) }
        let text = Base64URL.encode(bytes)
        #expect(text.utf8.count % 4 == 0 && Base64URL.decode(text) == bytes)
    }

    @Test("names of workflows follow the task and the attempt")
    func names() throws {
        let own = try #require(TaskID("odm-pipeline-bcd2456789"))
        let upload = try #require(TaskID("6F9619FF-8B86-4011-B42D-00CF4FC964FF"))
        #expect(WorkflowName.of(own, attempt: 1)?.string == "odm-pipeline-bcd2456789")
        #expect(WorkflowName.of(own, attempt: 12)?.string == "odm-pipeline-bcd2456789-r12")
        #expect(WorkflowName.of(upload, attempt: 1)?.string == "odm-pipeline-6f9619ff-8b86-4011-b42d-00cf4fc964ff")
        for wrong in ["under_score", String(repeating: "a", count: 60), "dot.", "x-"] {
            let task = try #require(TaskID(wrong))
            #expect(WorkflowName.of(task, attempt: 1) == nil, "\(wrong)")
        }
        let fresh = WorkflowName.fresh(SystemRandomBits())
        #expect(fresh.utf8.count == 23 && WorkflowName.isValid(fresh))
    }

    @Test("places are put right, or refused")
    func places() {
        #expect(S3URL(bucket: "imagery", prefix: "/a//b")?.prefix == "a/b/")
        #expect(S3URL(bucket: "imagery", prefix: "")?.path == "imagery")
        #expect(S3URL(bucket: "imagery", prefix: "a b/{{x}}")?.path == "imagery/a b/{{x}}")
        for (bucket, prefix) in [("im", ""), ("Imagery", ""), ("imagery", "a/../b"), ("imagery", "a\nb")] {
            #expect(S3URL(bucket: bucket, prefix: prefix) == nil)
        }
    }

    @Test("what is an image, a side file or nothing is told by depth, exclusions and endings")
    func selection() {
        let selection = InputSelection(depth: 2, excludes: ["drafts/**", "*_low.{jpg,tif}"], usesDefaultExcludes: true)
        let kinds: [(String, InputSelection.Kind)] = [
            ("a.jpg", .image), ("sub/B.TIF", .image), ("sub/sub/c.jpg", .unwanted), ("drafts/x.jpg", .unwanted),
            ("x_low.tif", .unwanted), ("sub/x_low.jpg", .unwanted), ("gcp_list.txt", .side), ("notes.txt", .unwanted),
            ("odm_dem/dsm.tif", .unwanted), ("old-output/a.tif", .unwanted), ("thumbs/a.jpg", .unwanted),
            ("set.zip", .archive), ("all.zip", .unwanted), ("", .unwanted), ("folder/", .unwanted),
            ("film.mp4", .image),
        ]
        for (path, kind) in kinds { #expect(selection.kind(of: path) == kind, "\(path)") }
        #expect(InputSelection.staged.kind(of: "anything.bin") == .image)
        #expect(InputSelection.staged.kind(of: "my points.txt") == .side)
        #expect(InputSelection(depth: 0, excludes: [], usesDefaultExcludes: false).depth == 1)
    }

    @Test("a pattern can't take long", .timeLimit(.minutes(1)))
    func slowPattern() {
        let pattern = GlobPattern(String(repeating: "*a", count: 60) + "{,a,b}{,a,b}{,a,b}{,a,b}{,a,b}")
        #expect(!pattern.matches(String(repeating: "a", count: 300) + "c"))
    }

    @Test("exclusions that could mean something to a shell are refused")
    func exclusions() {
        for good in ["drafts/**", "*.tif", "a b/{x,y}"] { #expect(InputSelection.reasonToRefuse(exclude: good) == nil) }
        for bad in ["", "/abs", "../up", "a\nb", "a'b", "$(x)", "a;b"] {
            #expect(InputSelection.reasonToRefuse(exclude: bad) != nil, "\(bad)")
        }
    }

    @Test("results below the inputs are no inputs")
    func nestedOutput() throws {
        var task = try Fixtures.task()
        task.input = try #require(S3URL(bucket: "imagery", prefix: "flight"))
        task.output = try #require(S3URL(bucket: "imagery", prefix: "flight/out[1]"))
        let manifest = try WorkflowManifest(task, profile: WorkflowProfile(), gateway: Fixtures.gateway)
        let packed = try #require(try ManifestTests.document(of: manifest).at("rclone", "filter_b64")?.text)
        let rules = String(decoding: Base64URL.decode(packed) ?? [], as: UTF8.self)
        #expect(rules.hasPrefix("- /out\\[1\\]/**\n"))
    }
}
