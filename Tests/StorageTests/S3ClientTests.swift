import Digests
import Glibc
import HTTPClient
import HTTPTypes
import Model
import Reactor
import TestSupport
import Testing

@testable import Storage

@Suite("A client of an object store")
struct S3ClientTests {
    private static let both = ScratchS3.Kind.both

    /// Keys that a client may bring, each with what S3's clients stumble over.
    private static let oddKeys = [
        "with blank", "plus+sign", "per%20cent", "a&b<c>", "é/日本", "quote'\"", "tilde~(1)", "q?u=e;r",
        "a=b,c@d:e$f!g*h",
    ]

    @Test("keys of any text are stored, listed, read and removed as they are", arguments: both)
    func oddKeys(kind: ScratchS3.Kind) async throws {
        let bucket = try await ScratchBucket.shared(kind)
        let prefix = ScratchBucket.freshPrefix()
        for key in Self.oddKeys { try await bucket.client.put(bucket: bucket.name, key: prefix + key, pattern(7)) }
        let listed = try await bucket.client.list(bucket: bucket.name, prefix: prefix).objects.map(\.key)
        #expect(Set(listed) == Set(Self.oddKeys.map { prefix + $0 }))
        for key in listed {
            #expect(try await bucket.client.head(bucket: bucket.name, key: key).size == 7)
            let reader = try await bucket.client.open(bucket: bucket.name, key: key, range: 2..<5)
            #expect(try await reader.read(upTo: 10) == Array(pattern(7)[2..<5]))
        }
        #expect(try await bucket.client.delete(bucket: bucket.name, keys: listed + [prefix + "never was"]).isEmpty)
        #expect(try await bucket.client.list(bucket: bucket.name, prefix: prefix).objects.isEmpty)
    }

    @Test("lists page by page, and rolls up what follows a delimiter", arguments: both)
    func listing(kind: ScratchS3.Kind) async throws {
        let bucket = try await ScratchBucket.shared(kind)
        let prefix = ScratchBucket.freshPrefix()
        let keys = (10..<35).map { "\(prefix)in put/IMG+\($0).JPG" } + ["\(prefix)z"]
        for key in keys { try await bucket.client.put(bucket: bucket.name, key: key, [1]) }
        var (found, pages, page): ([String], Int, String?) = ([], 0, nil)
        repeat {
            let listing = try await bucket.client.list(bucket: bucket.name, prefix: prefix, page: page, limit: 10)
            found += listing.objects.map(\.key)
            (page, pages) = (listing.next, pages + 1)
        } while page != nil
        #expect(found == keys)
        #expect(pages == 3)
        let top = try await bucket.client.list(bucket: bucket.name, prefix: prefix, delimiter: "/")
        #expect(top.prefixes == ["\(prefix)in put/"])
        #expect(top.objects.map(\.key) == ["\(prefix)z"])
        let object = try #require(top.objects.first)
        #expect(object.size == 1)
        #expect(object.etag != nil)
        let now = SystemClock().wallMilliseconds()
        #expect(abs((object.modified?.milliseconds ?? 0) - now) < 600_000)
        _ = try await bucket.client.delete(bucket: bucket.name, keys: keys)
    }

    @Test("reads parts, also of nothing and beyond the end", arguments: both)
    func ranges(kind: ScratchS3.Kind) async throws {
        let bucket = try await ScratchBucket.shared(kind)
        let key = ScratchBucket.freshPrefix() + "x"
        let bytes = pattern(300_000)
        try await bucket.client.put(bucket: bucket.name, key: key, bytes)
        func read(_ range: Range<Int64>?) async throws -> [UInt8] {
            let reader = try await bucket.client.open(bucket: bucket.name, key: key, range: range)
            #expect(reader.size == 300_000)
            var content: [UInt8] = []
            while case let more = try await reader.read(upTo: 70_000), !more.isEmpty { content += more }
            #expect(Int64(content.count) == reader.range.upperBound - reader.range.lowerBound)
            return content
        }
        #expect(try await read(nil) == bytes)
        #expect(try await read(0..<1) == Array(bytes[..<1]))
        #expect(try await read(299_999..<400_000) == Array(bytes[299_999...]))
        #expect(try await read(123..<234_567) == Array(bytes[123..<234_567]))
        #expect(try await read(5..<5) == [])
        #expect(try await read(300_000..<300_001) == [])
        let tag = try await bucket.client.head(bucket: bucket.name, key: key).etag
        _ = try await bucket.client.open(bucket: bucket.name, key: key, range: 7..<9, etag: tag)
        try await bucket.client.delete(bucket: bucket.name, key: key)
    }

    @Test("an object that isn't the one that was looked at isn't read")
    func ifMatch() async throws {
        let bucket = try await ScratchBucket.shared(.moto)
        let key = ScratchBucket.freshPrefix() + "x"
        try await bucket.client.put(bucket: bucket.name, key: key, [1])
        #expect(
            await code { () throws(StorageError) in
                _ = try await bucket.client.open(bucket: bucket.name, key: key, etag: "\"other\"")
            } == .changed)
        try await bucket.client.delete(bucket: bucket.name, key: key)
    }

    @Test("says what is missing", arguments: both)
    func missing(kind: ScratchS3.Kind) async throws {
        let bucket = try await ScratchBucket.shared(kind)
        let client = bucket.client
        try await client.check(bucket: bucket.name)
        #expect(await code { () throws(StorageError) in try await client.check(bucket: "no-such") } == .noSuchBucket)
        #expect(
            await code { () throws(StorageError) in _ = try await client.list(bucket: "no-such", prefix: "") }
                == .noSuchBucket)
        #expect(
            await code { () throws(StorageError) in _ = try await client.open(bucket: bucket.name, key: "no/such") }
                == .notFound)
        #expect(
            await code { () throws(StorageError) in _ = try await client.head(bucket: bucket.name, key: "no/such") }
                == .notFound)
    }

    @Test("a small object is read whole, and another store is reached with the same credentials")
    func small() async throws {
        let bucket = try await ScratchBucket.shared(.rclone)
        let key = ScratchBucket.freshPrefix() + "x"
        let other = try ScratchBucket.client(S3Endpoint(url: "http://127.0.0.1:1"))
            .client(of: bucket.client.configuration.endpoint, region: "eu-west-3")
        try await other.put(bucket: bucket.name, key: key, pattern(1000))
        #expect(other.region(of: bucket.name) == "eu-west-3")
        #expect(try await bucket.client.read(bucket: bucket.name, key: key, atMost: 1000) == pattern(1000))
        #expect(
            await code { () throws(StorageError) in
                _ = try await bucket.client.read(bucket: bucket.name, key: key, atMost: 999)
            } == .tooLarge)
        try await other.put(bucket: bucket.name, key: key, [])
        #expect(try await bucket.client.read(bucket: bucket.name, key: key, atMost: 0) == [])
        try await bucket.client.delete(bucket: bucket.name, key: key)
    }

    @Test("a wrong secret is refused by a store that looks, and the message says so")
    func wrongSecret() async throws {
        let bucket = try await ScratchBucket.shared(.rclone)
        let liar = try ScratchBucket.client(S3Endpoint(url: bucket.url), secret: "wrong")
        do throws(StorageError) {
            _ = try await liar.list(bucket: bucket.name, prefix: "")
            Issue.record("it was taken")
        } catch {
            #expect(error.code == .accessDenied)
            #expect(error.message.contains("credentials"))
        }
    }

    // MARK: Pre-signed URLs

    private func get(_ url: String) async throws -> OutboundResponse {
        var request = OutboundRequest(.get, url)
        request.keepsPath = true
        let bucket = try await ScratchBucket.shared(.rclone)
        return try await bucket.client.client.send(request)
    }

    @Test("a pre-signed URL gives the object to anybody, under the name that was asked for")
    func presigned() async throws {
        let bucket = try await ScratchBucket.shared(.rclone)
        let key = ScratchBucket.freshPrefix() + "ortho photo+é.tif"
        try await bucket.client.put(bucket: bucket.name, key: key, pattern(1000))
        let disposition = "attachment; filename=\"ortho & photo.tif\""
        let url = try await bucket.client.presign(
            bucket: bucket.name, key: key, disposition: disposition, contentType: "image/tiff")
        let answer = try await get(url)
        #expect(answer.status == 200)
        #expect(answer.body == pattern(1000))
        #expect(answer.fields[.contentDisposition] == disposition)
        #expect(try await get(url.replacing("%26", with: "%27")).status == 403)
        #expect(try await get(String(url.dropLast(1))).status >= 400)
        try await bucket.client.delete(bucket: bucket.name, key: key)
    }

    @Test("a pre-signed URL ends when it was said to, and leads where clients can go")
    func presignedEnds() async throws {
        let bucket = try await ScratchBucket.shared(.rclone)
        var configuration = S3Configuration(endpoint: try S3Endpoint(url: bucket.url))
        configuration.publicEndpoint = try S3Endpoint(url: "https://store.example.org")
        let credentials = S3Credentials(
            accessKeyID: ScratchS3.accessKeyID, secretAccessKey: ScratchS3.secretAccessKey, sessionToken: "a+b/c=")
        let past = S3Client(
            configuration, client: bucket.client.client, clock: ManualClock(wallMilliseconds: 1_772_323_198_000)
        ) { credentials }
        let url = try await past.presign(bucket: "odm", key: "a/b", for: .seconds(9_999_999))
        #expect(url.hasPrefix("https://store.example.org/odm/a/b?X-Amz-Algorithm=AWS4-HMAC-SHA256&"))
        #expect(url.contains("&X-Amz-Expires=604800&"))
        #expect(url.contains("&X-Amz-Security-Token=a%2Bb%2Fc%3D&"))
        configuration.publicEndpoint = nil
        let plain = S3Credentials(accessKeyID: credentials.accessKeyID, secretAccessKey: credentials.secretAccessKey)
        let old = S3Client(
            configuration, client: bucket.client.client, clock: ManualClock(wallMilliseconds: 1_772_323_198_000)
        ) { plain }
        #expect(try await get(try await old.presign(bucket: bucket.name, key: "x")).status >= 400)
    }
}
