import Digests
import Model
import Testing

@testable import Storage

@Suite("An upload to an object store")
struct S3WriterTests {
    private static let begun = FaultyStore.Answer.reply(
        200, body: "<InitiateMultipartUploadResult><UploadId>u/1</UploadId></InitiateMultipartUploadResult>")
    private static let free = FaultyStore.Answer.error(404, "NoSuchKey")
    private static let done = FaultyStore.Answer.reply(
        200, body: "<CompleteMultipartUploadResult><ETag>\"a-2\"</ETag></CompleteMultipartUploadResult>")
    private static let part = 5 << 20

    private static func took(_ number: Int) -> FaultyStore.Answer { .reply(200, fields: "ETag: \"p\(number)\"\r\n") }

    /// Writes 6 MiB: two parts.
    private static func write(
        _ answers: [FaultyStore.Answer], budget: S3BufferBudget = S3BufferBudget(),
        _ check: @escaping @Sendable (StorageError.Code?, FaultyStore) throws -> Void
    ) async throws {
        try await FaultyStore.run(answers) { client, store in
            let target = S3Store(client: client, bucket: "odm", prefix: "p/", budget: budget)
            let end = await code { () throws(StorageError) in
                try await target.put("t/x", pattern(6 << 20), piece: 1 << 20)
            }
            try check(end, store)
            #expect(budget.inUse == 0)
        }
    }

    @Test("goes out part by part, each hashed, and is put together in their order")
    func parts() async throws {
        try await Self.write([Self.free, Self.begun, Self.took(1), Self.took(2), Self.done]) { end, store in
            #expect(end == nil)
            #expect(
                store.lines == [
                    "HEAD /odm/p/t/x", "POST /odm/p/t/x?uploads=", "PUT /odm/p/t/x?partNumber=1&uploadId=u%2F1",
                    "PUT /odm/p/t/x?partNumber=2&uploadId=u%2F1", "POST /odm/p/t/x?uploadId=u%2F1",
                ])
            let bytes = pattern(6 << 20)
            #expect(store.requests[2].body == Array(bytes[..<Self.part]))
            #expect(store.requests[3].body == Array(bytes[Self.part...]))
            for request in store.requests {
                #expect(request.field("x-amz-content-sha256") == SHA256.digest(of: request.body).hexadecimal)
                #expect(request.field("expect") == nil && request.field("transfer-encoding") == nil)
            }
            let end = String(decoding: store.requests[4].body, as: UTF8.self)
            #expect(end.contains("<PartNumber>1</PartNumber><ETag>&quot;p1&quot;</ETag></Part><Part><PartNumber>2<"))
        }
    }

    @Test("repeats a part whose connection is reset in the middle of it")
    func reset() async throws {
        let answers = [
            Self.free, Self.begun, .resetAfter(1 << 20), .error(503, "SlowDown"), Self.took(1), Self.took(2),
        ]
        try await Self.write(answers + [Self.done]) { end, store in
            #expect(end == nil)
            #expect(store.requests[4].body == Array(pattern(6 << 20)[..<Self.part]))
        }
    }

    @Test("whose part is refused for good is aborted")
    func refused() async throws {
        let answers = [Self.free, Self.begun, .error(403, "AccessDenied"), .reply(204)]
        try await Self.write(answers) { end, store in
            #expect(end == .accessDenied)
            #expect(store.lines.last == "DELETE /odm/p/t/x?uploadId=u%2F1")
        }
    }

    @Test("that is put together with 200 and an error is repeated where that may help")
    func lateError() async throws {
        let answers = [Self.free, Self.begun, Self.took(1), Self.took(2), .error(200, "InternalError"), Self.done]
        try await Self.write(answers) { end, store in
            #expect(end == nil)
            #expect(store.requests.count == 6)
        }
    }

    @Test("that can't be put together is aborted")
    func lateRefusal() async throws {
        let answers = [Self.free, Self.begun, Self.took(1), Self.took(2), .error(200, "InvalidPart"), .reply(204)]
        try await Self.write(answers) { end, store in
            #expect(end == .failed)
            #expect(store.lines.last == "DELETE /odm/p/t/x?uploadId=u%2F1")
        }
    }

    @Test("whose end was carried out without an answer is found by looking")
    func lostEnd() async throws {
        let there = FaultyStore.Answer.reply(200, fields: "Content-Length: \(6 << 20)\r\n")
        let answers = [
            Self.free, Self.begun, Self.took(1), Self.took(2), .resetAfter(1 << 20), .error(404, "NoSuchUpload"), there,
        ]
        try await Self.write(answers) { end, store in
            #expect(end == nil)
            #expect(store.lines.last == "HEAD /odm/p/t/x")
        }
    }

    @Test("that vanished from under its writer has failed")
    func vanished() async throws {
        let answers = [Self.free, Self.begun, Self.took(1), Self.took(2), .error(404, "NoSuchUpload"), Self.free]
        try await Self.write(answers) { end, store in
            #expect(end == .notFound)
        }
    }

    @Test("of known small size is one request, also between 5 and 8 MiB")
    func small() async throws {
        try await FaultyStore.run([Self.free, Self.took(1)]) { client, store in
            let budget = S3BufferBudget()
            let target = S3Store(client: client, bucket: "odm", prefix: "", budget: budget)
            let writer = try await target.write(key: "t/x", atMost: 7 << 20)
            #expect(budget.inUse == 0)
            try await (writer as? S3Writer)?.append(contentsOf: pattern(6 << 20))
            #expect(budget.inUse == .mebibytes(7))
            #expect(try await writer.finish().digest == SHA256.digest(of: pattern(6 << 20)))
            #expect(budget.inUse == 0)
            #expect(store.lines == ["HEAD /odm/t/x", "PUT /odm/t/x"])
        }
    }

    @Test("that is larger than the whole budget goes part by part")
    func narrow() async throws {
        try await FaultyStore.run([Self.free, Self.begun, Self.took(1), Self.took(2), Self.done]) { client, store in
            let budget = S3BufferBudget(.mebibytes(5))
            let target = S3Store(client: client, bucket: "odm", prefix: "", budget: budget)
            let writer = try await target.write(key: "t/x", atMost: 7 << 20)
            try await writer.append(pattern(6 << 20))
            #expect(try await writer.finish().digest == SHA256.digest(of: pattern(6 << 20)))
            #expect(store.requests.count == 5)
        }
    }

    @Test("that brings more than was announced is refused")
    func tooLarge() async throws {
        try await FaultyStore.run([Self.free]) { client, store in
            let target = S3Store(client: client, bucket: "odm", prefix: "", budget: S3BufferBudget())
            let writer = try await target.write(key: "t/x", atMost: 10)
            try await writer.append(pattern(10))
            #expect(await code { () throws(StorageError) in try await writer.append([1]) } == .tooLarge)
            #expect(await code { () throws(StorageError) in _ = try await writer.finish() } == .closed)
            #expect(store.requests.count == 1)
        }
    }

    @Test("whose task is cancelled is aborted all the same")
    func cancelled() async throws {
        try await FaultyStore.run([Self.free, Self.begun, .silence, .reply(204)]) { client, store in
            let budget = S3BufferBudget()
            let target = S3Store(client: client, bucket: "odm", prefix: "", budget: budget)
            let upload = Task {
                try await target.put("t/x", pattern(12 << 20), piece: 1 << 20)
            }
            await store.untilAsked(3)
            upload.cancel()
            let outcome = await upload.result
            #expect(throws: StorageError.self) { try outcome.get() }
            #expect(store.lines.last == "DELETE /odm/t/x?uploadId=u%2F1")
            #expect(budget.inUse == 0)
        }
    }

    @Test("that is dropped holds neither memory nor its key")
    func dropped() async throws {
        try await FaultyStore.run([Self.free, Self.free]) { client, _ in
            let budget = S3BufferBudget()
            let target = S3Store(client: client, bucket: "odm", prefix: "", budget: budget)
            func drop() async throws {
                let writer = try await target.write(key: "t/x")
                try await writer.append([1])
                #expect(budget.inUse == .mebibytes(5))
            }
            try await drop()
            #expect(budget.inUse == 0)
            _ = try await target.write(key: "t/x")
        }
    }

    @Test("waits for a buffer while others have them all")
    func waits() async throws {
        try await FaultyStore.run([Self.free, Self.free, Self.took(1), Self.took(2)]) { client, store in
            let budget = S3BufferBudget(.mebibytes(5))
            let target = S3Store(client: client, bucket: "odm", prefix: "", budget: budget)
            let first = try await target.write(key: "t/x")
            try await first.append([1])
            let second = Task { try await target.put("u/y", [2]) }
            while budget.waiting == 0 { await Task.yield() }
            #expect(store.requests.count == 2)
            _ = try await first.finish()
            #expect(try await second.value.size == 1)
            #expect(budget.inUse == 0)
        }
    }
}
