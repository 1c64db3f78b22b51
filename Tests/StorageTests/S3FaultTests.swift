import Digests
import Model
import Synchronization
import Testing

@testable import Storage

@Suite("An object store that fails")
struct S3FaultTests {
    private static let bucket = "odm"

    @Test("one that asks for patience gets it, with pauses that grow")
    func slowDown() async throws {
        let clock = ImpatientClock()
        let busy: [FaultyStore.Answer] = [
            .error(503, "SlowDown"), .error(500, "InternalError"), .reply(502, body: "<html>"), .resetAfter(0),
        ]
        try await FaultyStore.run(busy + [.reply(200, fields: "ETag: \"e\"\r\n")], clock: clock) { client, store in
            let etag = try await client.put(bucket: Self.bucket, key: "k", [1, 2, 3])
            #expect(etag == "\"e\"")
            #expect(store.lines == Array(repeating: "PUT /odm/k", count: 5))
            #expect(store.requests.last?.body == [1, 2, 3])
        }
        let bounds = [50...100, 100...200, 200...400, 400...800]
        #expect(clock.pauses.count == 4)
        for (pause, bound) in zip(clock.pauses, bounds) { #expect(bound.contains(Int(pause.inMilliseconds))) }
    }

    @Test("one that stays away is given up, and what is said names it")
    func givenUp() async throws {
        let busy = Array(repeating: FaultyStore.Answer.error(503, "SlowDown"), count: 10)
        try await FaultyStore.run(busy) { client, store in
            do throws(StorageError) {
                _ = try await client.put(bucket: Self.bucket, key: "a/k", [])
                Issue.record("it was stored")
            } catch {
                #expect(error.code == .unreachable)
                for word in ["odm/a/k", "SlowDown", "127.0.0.1", "PutObject"] { #expect(error.message.contains(word)) }
            }
            #expect(store.requests.count == 6)
        }
    }

    @Test(
        "what can't change is said at once",
        arguments: [
            (FaultyStore.Answer.error(404, "NoSuchBucket"), StorageError.Code.noSuchBucket),
            (.error(404, "NoSuchKey"), .notFound), (.error(403, "AccessDenied"), .accessDenied),
            (.error(403, "QuotaExceeded"), .full), (.error(507, "XMinioStorageFull"), .full),
            (.error(501, "NotImplemented"), .failed), (.error(412, "PreconditionFailed"), .changed),
            (.error(400, "InvalidArgument"), .failed), (.reply(404, body: "<html>"), .notFound),
            (.reply(200, body: "<html><body>Log in</body></html>"), .failed),
        ])
    func final(answer: FaultyStore.Answer, code: StorageError.Code) async throws {
        try await FaultyStore.run([answer]) { client, store in
            do throws(StorageError) {
                _ = try await client.createUpload(bucket: Self.bucket, key: "k")
                Issue.record("it succeeded")
            } catch {
                #expect(error.code == code)
                #expect(error.message.contains("odm"))
            }
            #expect(store.requests.count == 1)
        }
    }

    @Test("nobody there is told from nobody who may")
    func unreachable() async throws {
        try await FaultyStore.run([]) { client, _ in
            let nowhere = try ScratchBucket.client(S3Endpoint(url: "http://127.0.0.1:1"), clock: ImpatientClock())
            #expect(
                await code { () throws(StorageError) in try await nowhere.check(bucket: Self.bucket) } == .unreachable)
            #expect(await code { () throws(StorageError) in try await client.check(bucket: "a/b") } == .noSuchBucket)
        }
    }

    @Test("one that says nothing is asked again, and each try that failed is told of")
    func silence() async throws {
        try await FaultyStore.run([.silence, .error(503, "SlowDown"), .reply(204)]) { client, store in
            let told = Mutex<[String]>([])
            var configuration = client.configuration
            configuration.patience = .seconds(1)
            configuration.onRetry = { error in told.withLock { $0.append(error.message) } }
            let other = S3Client(configuration, client: client.client, clock: ImpatientClock()) {
                S3Credentials(accessKeyID: "AKID", secretAccessKey: "secret")
            }
            try await other.delete(bucket: Self.bucket, key: "k")
            #expect(store.requests.count == 3)
            let messages = told.withLock { $0 }
            #expect(messages.count == 2)
            #expect(messages.last?.contains("SlowDown") == true)
        }
    }

    // MARK: Reading

    private static func part(_ range: String, _ body: String, etag: String = "\"e\"") -> FaultyStore.Answer {
        .reply(206, fields: "ETag: \(etag)\r\nContent-Range: bytes \(range)/10\r\n", body: body)
    }

    private static let half = FaultyStore.Answer.cut(
        200, fields: "ETag: \"e\"\r\nContent-Length: 10\r\n", body: "01234")

    @Test("a stream that breaks goes on where it broke, as the same object")
    func reopened() async throws {
        let answers = [Self.half, .error(503, "SlowDown"), Self.part("5-9", "56789")]
        try await FaultyStore.run(answers) { client, store in
            let reader = try await client.open(bucket: Self.bucket, key: "k")
            var bytes: [UInt8] = []
            while case let more = try await reader.read(upTo: 4), !more.isEmpty { bytes += more }
            #expect(String(decoding: bytes, as: UTF8.self) == "0123456789")
            #expect(store.requests[0].field("range") == nil)
            #expect(store.requests[2].field("range") == "bytes=5-9")
            #expect(store.requests[2].field("if-match") == "\"e\"")
        }
    }

    @Test(
        "one that was replaced meanwhile isn't mixed with its successor",
        arguments: [
            FaultyStore.Answer.error(412, "PreconditionFailed"), part("5-9", "56789", etag: "\"f\""),
            .error(404, "NoSuchKey"),
        ])
    func replaced(answer: FaultyStore.Answer) async throws {
        try await FaultyStore.run([Self.half, answer]) { client, _ in
            let reader = try await client.open(bucket: Self.bucket, key: "k")
            #expect(try await reader.read(upTo: 5).count == 5)
            #expect(
                await code { () throws(StorageError) in _ = try await reader.read(upTo: 5) } == .truncated)
        }
    }

    @Test("one that breaks again and again without a byte is given up")
    func broken() async throws {
        let empty = FaultyStore.Answer.cut(
            206, fields: "ETag: \"e\"\r\nContent-Range: bytes 0-9/10\r\nContent-Length: 10\r\n", body: "")
        try await FaultyStore.run(Array(repeating: empty, count: 9)) { client, store in
            let reader = try await client.open(bucket: Self.bucket, key: "k")
            #expect(
                await code { () throws(StorageError) in _ = try await reader.read(upTo: 5) } == .truncated)
            #expect(store.requests.count == 5)
        }
    }

    @Test("a store that gives all of an object for a part of it")
    func rangeIgnored() async throws {
        try await FaultyStore.run([.reply(200, fields: "ETag: \"e\"\r\n", body: "0123456789")]) { client, _ in
            let reader = try await client.open(bucket: Self.bucket, key: "k", range: 3..<7)
            #expect(reader.size == 10)
            #expect(try await reader.read(upTo: 100) == Array("3456".utf8))
            #expect(try await reader.read(upTo: 100) == [])
        }
    }

    @Test("another range than the one that was asked for isn't taken for it")
    func wrongRange() async throws {
        try await FaultyStore.run([Self.part("0-4", "01234")]) { client, _ in
            #expect(
                await code { () throws(StorageError) in
                    _ = try await client.open(bucket: Self.bucket, key: "k", range: 5..<10)
                } == .failed)
        }
    }

    // MARK: Region, clock, credentials

    @Test("learns a bucket's region and keeps to it")
    func region() async throws {
        let redirects: [FaultyStore.Answer] = [
            .error(400, "AuthorizationHeaderMalformed", more: "<Region>eu-west-3</Region>"),
            .reply(200, fields: "ETag: \"e\"\r\n"),
            .reply(301, fields: "x-amz-bucket-region: ap-south-1\r\n"), .reply(200),
            .error(400, "AuthorizationHeaderMalformed", more: "<Region>evil.example.org/</Region>"),
        ]
        try await FaultyStore.run(redirects) { client, store in
            try await client.put(bucket: Self.bucket, key: "k", [])
            try await client.check(bucket: Self.bucket)
            #expect(client.region(of: Self.bucket) == "ap-south-1")
            #expect(client.region(of: "other") == "us-east-1")
            _ = await code { () throws(StorageError) in _ = try await client.put(bucket: Self.bucket, key: "k", []) }
            let regions = store.requests.map { $0.field("authorization")?.split(separator: "/")[2] }
            #expect(regions == ["us-east-1", "eu-west-3", "eu-west-3", "ap-south-1", "ap-south-1"])
        }
    }

    @Test("goes by the store's clock once that finds ours wrong")
    func clock() async throws {
        let answers: [FaultyStore.Answer] = [
            .error(403, "RequestTimeTooSkewed", more: "<ServerTime>2026-03-01T03:59:58Z</ServerTime>"),
            .reply(200), .reply(403, fields: "Date: Sun, 01 Mar 2026 05:59:58 GMT\r\n"), .reply(200),
            .reply(403, fields: "Date: Sun, 01 Mar 2026 05:59:58 GMT\r\n"),
        ]
        try await FaultyStore.run(answers) { client, store in
            try await client.delete(bucket: Self.bucket, key: "k")
            try await client.check(bucket: Self.bucket)
            #expect(
                await code { () throws(StorageError) in try await client.check(bucket: Self.bucket) } == .accessDenied)
            #expect(
                store.requests.map { $0.field("x-amz-date") } == [
                    "20260228T235958Z", "20260301T035958Z", "20260301T035958Z", "20260301T055958Z", "20260301T055958Z",
                ])
        }
    }

    @Test("asks for credentials again when they were refused, and takes newer ones")
    func credentials() async throws {
        let asked = Counter()
        let answers: [FaultyStore.Answer] = [
            .error(400, "ExpiredToken"), .reply(204), .error(403, "InvalidAccessKeyId"),
        ]
        try await FaultyStore.run(
            answers,
            credentials: {
                let number = asked.next()
                return S3Credentials(
                    accessKeyID: "AKID", secretAccessKey: "s", sessionToken: "token-\(min(number, 2))")
            }
        ) { client, store in
            try await client.delete(bucket: Self.bucket, key: "k")
            #expect(store.requests.map { $0.field("x-amz-security-token") } == ["token-1", "token-2"])
            #expect(store.requests[0].field("authorization")?.contains(";x-amz-security-token,") == true)
            #expect(
                await code { () throws(StorageError) in try await client.delete(bucket: Self.bucket, key: "k") }
                    == .accessDenied)
            #expect(store.requests.count == 3)
        }
    }

    @Test("without credentials nothing is sent")
    func noCredentials() async throws {
        let missing: S3CredentialsProvider = { throw StorageError(.failed, "the file isn't there") }
        try await FaultyStore.run([], credentials: missing) { client, store in
            do throws(StorageError) {
                try await client.check(bucket: Self.bucket)
            } catch {
                #expect(error.code == .accessDenied)
                #expect(error.message.contains("the file isn't there"))
            }
            #expect(store.requests.isEmpty)
        }
    }

    @Test("names the bucket in the host where that is wanted")
    func virtualHost() async throws {
        try await FaultyStore.run([.reply(204)]) { client, store in
            // libcurl knows every name below localhost.
            var configuration = client.configuration
            configuration.endpoint = try S3Endpoint(
                url: client.configuration.endpoint.description.replacing("127.0.0.1", with: "localhost"))
            configuration.pathStyle = false
            let other = S3Client(configuration, client: client.client, clock: ImpatientClock()) {
                S3Credentials(accessKeyID: "AKID", secretAccessKey: "secret")
            }
            try await other.delete(bucket: Self.bucket, key: "a/k")
            #expect(store.lines == ["DELETE /a/k"])
            #expect(store.requests[0].field("host") == "odm." + configuration.endpoint.description.dropFirst(7))
        }
    }

    @Test("a key is sent as it is, whatever is in it")
    func odd() async throws {
        try await FaultyStore.run([.reply(204)]) { client, store in
            try await client.delete(bucket: Self.bucket, key: "../a//./b?c#d%20\n")
            #expect(store.lines == ["DELETE /odm/../a//./b%3Fc%23d%2520%0A"])
        }
    }
}
