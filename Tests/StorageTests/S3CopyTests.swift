import TestSupport
import Testing

@testable import Storage

@Suite("Copies inside a bucket")
struct S3CopyTests {
    @Test("a copy has the same bytes under any name, and once more does no harm", arguments: ScratchS3.Kind.both)
    func whole(kind: ScratchS3.Kind) async throws {
        let bucket = try await ScratchBucket.shared(kind)
        try await bucket.withStore { store in
            let key = "\(store.prefix)a/0f"
            let copy = "\(store.prefix)b/ü %20+&.jpg"
            try await bucket.client.put(bucket: bucket.name, key: key, Array("picture".utf8))
            for _ in 0..<2 {
                try await bucket.client.copy(bucket: bucket.name, key: key, size: 7, to: bucket.name, key: copy)
            }
            let bytes = try await bucket.client.read(bucket: bucket.name, key: copy, atMost: 100)
            #expect(String(decoding: bytes, as: UTF8.self) == "picture")
            #expect(
                await code { () throws(StorageError) in
                    try await bucket.client.copy(
                        bucket: bucket.name, key: "\(store.prefix)none", size: 7, to: bucket.name, key: copy)
                } == .notFound)
        }
    }

    @Test("what is too large to be copied at once goes in parts")
    func parts() async throws {
        let bucket = try await ScratchBucket.shared(.moto)
        try await bucket.withStore { store in
            let (key, copy) = ("\(store.prefix)large", "\(store.prefix)copy")
            let bytes = pattern(6 << 20)
            try await bucket.client.put(bucket: bucket.name, key: key, bytes)
            let id = try await bucket.client.createUpload(bucket: bucket.name, key: copy)
            let source = "/\(bucket.name)/\(key)"
            let parts = [
                try await bucket.client.copyPart(
                    of: source, 0..<(5 << 20), to: bucket.name, key: copy, id: id, number: 1),
                try await bucket.client.copyPart(
                    of: source, (5 << 20)..<(6 << 20), to: bucket.name, key: copy, id: id, number: 2),
            ]
            try await bucket.client.completeUpload(bucket: bucket.name, key: copy, id: id, parts)
            #expect(try await bucket.client.read(bucket: bucket.name, key: copy, atMost: 8 << 20) == bytes)
        }
    }
}
