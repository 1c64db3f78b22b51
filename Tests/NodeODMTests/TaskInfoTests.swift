import Model
import NodeODM
import Testing

@Suite("Task info (contract 3.2)")
struct TaskInfoTests {
    private func decode(_ text: String, from kind: BackendKind = .nodeodm) throws -> TaskInfo {
        try TaskInfo(decoding: Array(text.utf8), from: kind, askedFor: "asked")
    }

    @Test("a node's answer is read whole")
    func whole() throws {
        let info = try decode(
            #"{"uuid":"u","name":"n","dateCreated":1705334400000,"processingTime":1200,"status":{"code":30,"errorMessage":"e"},"#
                + #""options":[{"name":"dsm","value":true}],"imagesCount":5,"progress":45.5,"output":["a\u001b[31mb","error"]}"#
        )
        #expect(info.uuid == "u" && info.name == "n" && info.dateCreated.milliseconds == 1_705_334_400_000)
        #expect(info.processingTime == 1200 && info.status == .failed && info.errorMessage == "e")
        #expect(info.options == [TaskOption(name: "dsm", value: .bool(true))])
        #expect(info.imagesCount == 5 && info.progress == 45.5)
        #expect(info.output == ["ab", "error "])
    }

    @Test("missing fields get defaults; only the status must be there")
    func missing() throws {
        let info = try decode(
            #"{"status":{"code":10},"options":null,"progress":null,"imagesCount":-99999999999999999999}"#)
        #expect(info.uuid == "asked" && info.name.isEmpty && info.processingTime == -1 && info.imagesCount == -1)
        #expect(info.options.isEmpty && info.progress == 0 && info.output == nil)
        for text in ["[]", "null", "", "<html>", #"{"uuid":"u"}"#, #"{"status":{"code":11}}"#, #"{"status":20}"#] {
            #expect(throws: WireFormatError.self, "\(text)") { try decode(text) }
        }
    }

    @Test("seconds are taken as such from ScaleODM only")
    func seconds() throws {
        let text = #"{"status":{"code":20},"dateCreated":1705334400,"output":"a\nb\n"}"#
        #expect(try decode(text, from: .scaleodm).dateCreated.milliseconds == 1_705_334_400_000)
        #expect(try decode(text, from: .nodeodm).dateCreated.milliseconds == 1_705_334_400)
        #expect(try decode(text, from: .scaleodm).output == ["a", "b"])
    }

    @Test("items 65 to 67: what is written has every key, in bounds and typed")
    func writing() throws {
        var info = TaskInfo(
            uuid: "u", name: "n", dateCreated: Timestamp(milliseconds: 5), processingTime: 9_999_999_999,
            status: .running, errorMessage: "not shown while running", imagesCount: 3, progress: .nan)
        var json = JSONWriter()
        info.encode(into: &json)
        #expect(
            String(decoding: json.bytes, as: UTF8.self)
                == #"{"uuid":"u","name":"n","dateCreated":5,"processingTime":2147483647,"status":{"code":20},"#
                + #""options":[],"imagesCount":3,"progress":0}"#)
        info.status = .failed
        info.output = []
        info.s3OutputPath = "s3://b/o/"
        json = JSONWriter()
        info.encode(into: &json)
        let value = try JSONValue(parsing: json.bytes)
        #expect(value["status"]?["errorMessage"]?.text == "not shown while running")
        #expect(value["output"] == .array([]) && value["s3OutputPath"]?.text == "s3://b/o/")
        info.uuid = "v"
        json = JSONWriter()
        info.encode(into: &json, output: ["x", "y"][1...])
        #expect(try JSONValue(parsing: json.bytes)["output"] == .array([.string("y")]))
    }
}

@Suite("Node info (contract, section 4)")
struct NodeInfoTests {
    private func decode(_ text: String) throws -> NodeInfo { try NodeInfo(decoding: Array(text.utf8)) }

    @Test(
        "items 7 and 8: queue counts and versions are brought within WebODM's bounds",
        arguments: [
            ("null", 0), ("-1", 0), ("1000000000000", 2_147_483_647), ("3", 3), ("2.0", 2), ("1e300", 2_147_483_647),
        ])
    func bounds(count: String, expected: Int64) throws {
        let long = String(repeating: "é", count: 90)
        let info = try decode(
            #"{"version":"2.2.4","taskQueueCount":\#(count),"maxImages":\#(count),"engineVersion":"\#(long)"}"#)
        #expect(info.taskQueueCount == expected)
        #expect(info.engineVersion.unicodeScalars.count == 32)
        #expect(info.maxImages == (count == "null" ? nil : expected))
    }

    @Test(
        "the version proper of an image reference is its tag",
        arguments: [
            ("3.6.0", "3.6.0"), ("docker.io/opendronemap/odm:3.6.0@sha256:0123", "3.6.0"), ("odm:3.6.0", "3.6.0"),
            ("registry.example.org:5000/odm", "odm"), ("", "?"), ("3.5.6\n", "3.5.6"), ("@", "?"), (":", "?"),
        ])
    func versionProper(text: String, version: String) {
        #expect(NodeInfo.versionProper(text) == version)
    }

    @Test("a ClusterODM is recognised by its memory")
    func clusterODM() throws {
        let text =
            #"{"version":"1.5.3","taskQueueCount":0,"maxImages":null,"maxParallelTasks":99999999999,"totalMemory":99999999999}"#
        #expect(try decode(text).isClusterODM)
        #expect(try decode(text).maxParallelTasks == 99_999_999_999)
    }

    @Test("numbers of nodes can be added up, whatever they say")
    func bounds() throws {
        let huge = "9223372036854775807"
        let text = #"{"version":"2","taskQueueCount":\#(huge),"maxImages":\#(huge),"maxParallelTasks":\#(huge)}"#
        let info = try decode(text)
        let numbers = [info.taskQueueCount, info.maxImages ?? 0, info.maxParallelTasks ?? 0]
        #expect(numbers.allSatisfy { $0 > 0 && $0 <= 1_000_000_000_000 })
    }

    @Test("an error answer or HTML isn't an info")
    func refuses() {
        for text in ["", "[]", "<html>", #"{"error":"x"}"#] {
            #expect(throws: WireFormatError.self) { try decode(text) }
        }
    }

    @Test("item 1: maxImages is an integer or null, and the gateway's own version has its own key")
    func writing() throws {
        var json = JSONWriter()
        NodeInfo(version: "2.2.4", taskQueueCount: 1 << 40, engineVersion: "3.6.0").encode(
            into: &json, gatewayVersion: "0.1")
        #expect(
            String(decoding: json.bytes, as: UTF8.self)
                == #"{"version":"2.2.4","taskQueueCount":2147483647,"maxImages":null,"engine":"odm","#
                + #""engineVersion":"3.6.0","gatewayVersion":"0.1"}"#)
    }
}
