import Model
import NodeODM
import Scheduling
import Storage
import Testing

@testable import Gateway

/// A bucket in memory that gives its objects in pages.
private struct ListedBucket: ObjectLister {
    var keys: [String]
    var pageSize = 1000
    var error: StorageError?

    func page(of place: S3URL, after page: String?, isFlat: Bool) async throws(StorageError) -> S3Listing {
        if let error { throw error }
        let start = page.flatMap { Int($0) } ?? 0
        let end = min(start + pageSize, keys.count)
        var listing = S3Listing()
        listing.objects = keys[start..<end].map { S3Object(key: $0, size: 10, etag: "\"\($0)\"", modified: nil) }
        listing.next = end < keys.count ? String(end) : nil
        return listing
    }
}

@Suite("Images in object storage")
struct ObjectStorageTests {
    private func fields(_ more: String = "") throws -> ObjectStorageFields {
        let body = try JSONValue(parsing: #"{"zipurl": "s3://drone/flight/"\#(more)}"#)
        return try #require(try ObjectStorageFields.read { body[$0] })
    }

    @Test("counts what pods would fetch, over all pages")
    func counts() async throws {
        let bucket = ListedBucket(
            keys: [
                "flight/", "flight/a.JPG", "flight/b.tif", "flight/c.doc", "flight/gcp_list.txt", "flight/all.zip",
                "flight/more.zip", "flight/sub/d.jpg", "flight/thumbs/e.jpg", "flight/_DONE.json",
            ], pageSize: 3)
        let flat = try await InputSurvey.run(try fields(), bucket)
        #expect((flat.images, flat.sideFiles, flat.archives, flat.objects) == (2, 1, 1, 10))
        #expect(flat.bytes == 40)
        let deep = try await InputSurvey.run(try fields(#", "s3ScanDepth": 2, "excludePaths": ["b.*"]"#), bucket)
        #expect(deep.images == 2)
        let all = try await InputSurvey.run(try fields(#", "s3ScanDepth": 2, "useDefaultExcludes": false"#), bucket)
        #expect((all.images, all.archives) == (4, 2))
    }

    @Test("a prefix with 100,000 objects is counted without keeping their names")
    func many() async throws {
        let bucket = ListedBucket(keys: (0..<100_000).map { "flight/IMG_\($0).JPG" })
        let survey = try await InputSurvey.run(try fields(), bucket)
        #expect(survey.images == 100_000 && survey.bytes == 1_000_000)
    }

    @Test("the store's errors end the survey")
    func fails() async throws {
        let error = StorageError(.noSuchBucket, "gone")
        await #expect(throws: error) {
            _ = try await InputSurvey.run(try fields(), ListedBucket(keys: [], error: error))
        }
    }

    @Test("equal base names get numbers, and no two files one name")
    func names() {
        var files = BucketFiles()
        for key in [
            "f/a/x.jpg", "f/b/x.jpg", "f/x_1.jpg", "f/c/x.jpg", "f/plain", "f/d/plain", "f/.hidden", "f/e/.hidden",
        ] {
            files.add(S3Object(key: key, size: 1, etag: "\"e\"", modified: nil))
        }
        #expect(
            files.list.map(\.name) == [
                "x.jpg", "x_1.jpg", "x_1_1.jpg", "x_2.jpg", "plain", "plain_1", ".hidden", ".hidden_1",
            ])
        #expect(files.list[1].storageKey == "f/b/x.jpg" && files.list[1].digest == "\"e\"")
    }

    @Test("which needs keep a task from which kind")
    func needs() throws {
        var fields = try fields()
        #expect(TaskNeeds(fields) == [])
        #expect(TaskNeeds(nil) == [])
        fields.namesPlaces = true
        #expect(TaskNeeds(fields) == .objectStorage)
        fields.namesPlaces = false
        fields.engineImage = "opendronemap/odm:3.6.0"
        #expect(TaskNeeds(fields) == .objectStorage)
        fields.holdsArchives = true
        fields.holdsSideFiles = true
        #expect(TaskNeeds(fields) == [.objectStorage, .archives, .sideFiles])
    }

    private static let polygon = #"{"type":"Polygon","coordinates":[[[1,2],[3,4.5],[5,6],[1,2]]]}"#

    @Test(
        "takes one polygon, bare or wrapped",
        arguments: [
            polygon, #"{"type":"Feature","properties":{},"geometry":\#(polygon)}"#,
            #"{"type":"FeatureCollection","features":[{"type":"Feature","geometry":\#(polygon)}]}"#,
        ])
    func boundaries(text: String) throws {
        #expect(BoundaryOption.isBoundary(try JSONValue(parsing: text)))
    }

    @Test(
        "takes nothing else as a boundary",
        arguments: [
            "1", "{}", #"{"type":"Point","coordinates":[1,2]}"#, #"{"type":"Polygon","coordinates":[]}"#,
            #"{"type":"Polygon","coordinates":[[[1,2],[3,4],[1,2]]]}"#,
            #"{"type":"Polygon","coordinates":[[[1,2],[3,4],[5,6],[7,8]]]}"#,
            #"{"type":"Polygon","coordinates":[[[1,"2"],[3,4],[5,6],[1,"2"]]]}"#,
            #"{"type":"FeatureCollection","features":[]}"#, #"{"type":"Feature","geometry":null}"#,
        ])
    func noBoundaries(text: String) throws {
        #expect(!BoundaryOption.isBoundary(try JSONValue(parsing: text)))
    }

    @Test("an s3 boundary is read and put in its place")
    func boundaryObject() async throws {
        let option = BoundaryOption { url throws(ObjectStorageRefusal) in
            guard url.prefix == "areas/field.geojson/" else { throw .refused("other") }
            return Array(Self.polygon.utf8)
        }
        let options = #"[{"name":"dsm","value":true},{"name":"boundary","value":"s3://b-u/areas/field.geojson"}]"#
        let resolved = try #require(try await option.resolve(options))
        let entries = try #require(try JSONValue(parsing: resolved).array)
        #expect(entries.count == 2)
        #expect(entries.last?["value"]?.text == Self.polygon)
        #expect(try await option.resolve("[]") == nil)
        #expect(try await option.resolve("no json") == nil)
    }

    @Test("a name for downloads never leaves its header")
    func fileNames() {
        #expect(ObjectDownload.quoted("all.zip") == "all.zip")
        #expect(ObjectDownload.quoted("a b.tif") == "\"a b.tif\"")
        #expect(ObjectDownload.quoted("x\"\r\ny") == "\"x___y\"")
    }

    @Test("only after a fence, or beside another task's run, do results leave the client's place")
    func outputPlaces() throws {
        let fields = try fields()
        #expect(OutputPlace.of(fields, attempt: 1, isAfterFence: false).description == "s3://drone/flight-output/")
        #expect(OutputPlace.of(fields, attempt: 2, isAfterFence: false).description == "s3://drone/flight-output/")
        #expect(
            OutputPlace.of(fields, attempt: 3, isAfterFence: true).description == "s3://drone/flight-output/attempt-3/")
        let (own, task) = (try #require(S3URL("s3://data/scaleodm")), try #require(TaskID("ABC")))
        let apart = [false, true].map {
            OutputPlace.of(fields, attempt: 3, isAfterFence: $0, apartAs: task).description
        }
        #expect(apart == ["s3://drone/flight-output/abc/", "s3://drone/flight-output/abc/attempt-3/"])
        #expect(OutputPlace.ofUpload(task, attempt: 2, in: own).description == "s3://data/scaleodm/abc/attempt-2/")
    }
}
