import Model
import NodeODM
import Testing

@Suite("Fields of tasks whose images are in object storage")
struct ObjectStorageFieldsTests {
    private func read(_ json: String) throws -> ObjectStorageFields? {
        let body = try JSONValue(parsing: json)
        return try ObjectStorageFields.read { body[$0] }
    }

    private func refusal(_ json: String) throws -> ObjectStorageFieldError? {
        let body = try JSONValue(parsing: json)
        do throws(ObjectStorageFieldError) { _ = try ObjectStorageFields.read { body[$0] } } catch { return error }
        return nil
    }

    @Test("a zipurl on s3 is the input, and its results go beside it")
    func zipurl() throws {
        let fields = try #require(try read(#"{"zipurl": "s3://mybucket/drone-images/"}"#))
        #expect(fields.input.description == "s3://mybucket/drone-images/")
        #expect(fields.output.description == "s3://mybucket/drone-images-output/")
        #expect(!fields.namesPlaces)
        #expect((fields.depth, fields.usesDefaultExcludes, fields.excludes) == (1, true, []))
    }

    @Test("what readS3Path names goes to its own output folder, or where writeS3Path says")
    func places() throws {
        let read1 = try #require(try read(#"{"readS3Path": "s3://bucket/a/b"}"#))
        #expect(read1.output.description == "s3://bucket/a/b/output/")
        #expect(read1.namesPlaces)
        let read2 = try #require(try read(#"{"readS3Path": "s3://bucket/a/", "writeS3Path": "s3://results/x"}"#))
        #expect(read2.output.description == "s3://results/x/")
        let read3 = try #require(try read(#"{"zipurl": "s3://bucket/a/", "writeS3Path": "s3://results/x"}"#))
        #expect(read3.namesPlaces)
    }

    @Test("typed values of a JSON body and texts of a form are read alike")
    func typedAndText() throws {
        let typed = try read(
            #"""
            {"readS3Path": "s3://bucket/a/", "s3ScanDepth": 3, "useDefaultExcludes": false, "excludePaths": ["raw/**"],
             "capacityType": "spot", "processingMode": "standard", "odmImage": "opendronemap/odm:3.6.0",
             "s3Endpoint": "https://s3.example.org/", "s3Region": "eu-west-1"}
            """#)
        let text = try read(
            #"""
            {"readS3Path": "s3://bucket/a/", "s3ScanDepth": "3", "useDefaultExcludes": "false", "excludePaths": "[\"raw/**\"]",
             "capacityType": "spot", "odmImage": "opendronemap/odm:3.6.0", "s3Endpoint": "https://s3.example.org",
             "s3Region": "eu-west-1", "writeS3Path": ""}
            """#)
        #expect(typed != nil)
        #expect(typed == text)
        #expect(typed?.depth == 3)
        #expect(typed?.endpoint == "https://s3.example.org")
    }

    @Test("a scan depth of 0 means 1", arguments: ["0", "\"0\"", "1", "null", "\"\""])
    func depths(depth: String) throws {
        #expect(try read(#"{"zipurl": "s3://bucket/a", "s3ScanDepth": \#(depth)}"#)?.depth == 1)
    }

    @Test("a task without any of it is an ordinary one")
    func ordinary() throws {
        #expect(try read(#"{"zipurl": "https://example.org/a.zip"}"#) == nil)
        #expect(try read(#"{"name": "x"}"#) == nil)
    }

    @Test(
        "what can't be taken is refused with its field's name",
        arguments: [
            (#"{"zipurl": "s3://B/x"}"#, "zipurl"), (#"{"zipurl": "s3:///x"}"#, "zipurl"),
            (#"{"readS3Path": "bucket/x"}"#, "readS3Path"), (#"{"readS3Path": 5}"#, "readS3Path"),
            (#"{"readS3Path": "s3://bucket/a/../b"}"#, "readS3Path"),
            (#"{"readS3Path": "s3://bucket/a\nb"}"#, "readS3Path"),
            (#"{"zipurl": "s3://bucket/x", "s3ScanDepth": 11}"#, "s3ScanDepth"),
            (#"{"zipurl": "s3://bucket/x", "s3ScanDepth": -1}"#, "s3ScanDepth"),
            (#"{"zipurl": "s3://bucket/x", "s3ScanDepth": 1.5}"#, "s3ScanDepth"),
            (#"{"zipurl": "s3://bucket/x", "s3ScanDepth": 1e300}"#, "s3ScanDepth"),
            (#"{"zipurl": "s3://bucket/x", "excludePaths": "raw"}"#, "excludePaths"),
            (#"{"zipurl": "s3://bucket/x", "excludePaths": ["../x"]}"#, "excludePaths"),
            (#"{"zipurl": "s3://bucket/x", "excludePaths": ["$(id)"]}"#, "excludePaths"),
            (#"{"zipurl": "s3://bucket/x", "excludePaths": [1]}"#, "excludePaths"),
            (#"{"zipurl": "s3://bucket/x", "capacityType": "gpu"}"#, "capacityType"),
            (#"{"zipurl": "s3://bucket/x", "odmImage": "a b"}"#, "odmImage"),
            (#"{"zipurl": "s3://bucket/x", "s3Endpoint": "ftp://x"}"#, "s3Endpoint"),
            (#"{"zipurl": "s3://bucket/x", "s3Endpoint": "https://u@x"}"#, "s3Endpoint"),
            (#"{"zipurl": "s3://bucket/x", "s3Region": "a b"}"#, "s3Region"),
            (#"{"zipurl": "s3://bucket/x", "useDefaultExcludes": "yes"}"#, "useDefaultExcludes"),
            (#"{"zipurl": "s3://bucket/x", "processingMode": "fast"}"#, "processingMode"),
            (#"{"writeS3Path": "s3://bucket/x"}"#, "writeS3Path"),
        ])
    func refused(json: String, field: String) throws {
        let error = try #require(try refusal(json))
        #expect(error.code == .invalid)
        #expect(error.message.contains(field))
    }

    @Test("a reserved mode isn't implemented", arguments: ["merge-existing", "thermal", "city-scale"])
    func reserved(mode: String) throws {
        let error = try refusal(#"{"readS3Path": "s3://bucket/x", "processingMode": "\#(mode)"}"#)
        #expect(error?.code == .notImplemented)
    }

    @Test("a prefix is a folder, whether or not it ends with a slash")
    func folders() {
        #expect(S3URL("s3://bucket/a//b")?.description == "s3://bucket/a/b/")
        #expect(S3URL("S3://bucket")?.description == "s3://bucket/")
        #expect(S3URL("s3://bucket/a")?.sibling(suffix: "-output").prefix == "a-output/")
        #expect(S3URL("s3://bucket/" + String(repeating: "a", count: 901)) == nil)
        #expect(S3URL("s3://bu_cket/a") == nil)
    }

    @Test("the record's text gives back what it was made of")
    func recorded() throws {
        var full = try #require(
            try read(
                #"""
                {"readS3Path": "s3://bucket/a \"b\"/", "writeS3Path": "s3://results/x", "s3Endpoint": "http://minio:9000",
                 "s3Region": "eu-central-1", "s3ScanDepth": 3, "excludePaths": ["raw/**"], "useDefaultExcludes": false,
                 "capacityType": "spot", "odmImage": "opendronemap/odm:3.6.0"}
                """#))
        full.holdsArchives = true
        full.holdsSideFiles = true
        #expect(ObjectStorageFields(recorded: full.json) == full)
        let plain = try #require(try read(#"{"zipurl": "s3://bucket/a/"}"#))
        #expect(ObjectStorageFields(recorded: plain.json) == plain)
        #expect(plain.json == #"{"input":"s3://bucket/a/","output":"s3://bucket/a-output/","depth":1}"#)
        for bad in [nil, "", "{}", "[1]", #"{"input":"s3://b"}"#] { #expect(ObjectStorageFields(recorded: bad) == nil) }
    }

    @Test("exclusions are bounded together")
    func excludesTogether() throws {
        let many = (0..<10).map { "\"\($0)" + String(repeating: "x", count: 500) + "\"" }.joined(separator: ",")
        #expect(try refusal("{\"zipurl\": \"s3://bucket/a/\", \"excludePaths\": [\(many)]}")?.code == .invalid)
    }
}
