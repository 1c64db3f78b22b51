import Digests
import Glibc
import HTTPClient
import Model
import TestSupport
import Testing

@testable import Storage

@Suite("A bucket as the gateway's storage")
struct S3StoreTests {
    @Test("an object of several parts comes back whole", arguments: ScratchS3.Kind.both)
    func parts(kind: ScratchS3.Kind) async throws {
        try await ScratchBucket.shared(kind).withStore { store in
            let bytes = pattern(13 << 20)
            let stored = try await store.put("t/x", bytes, piece: 1_000_000)
            #expect(stored.digest == SHA256.digest(of: bytes))
            #expect(try await store.get("t/x", piece: 1 << 20) == bytes)
            #expect(try await store.get("t/x", from: 12_345_678, piece: 1 << 20) == Array(bytes[12_345_678...]))
            #expect(try await store.removeUnfinished(untouchedSince: Timestamp(milliseconds: .max)) == 0)
        }
    }

    @Test("an upload that is aborted leaves no parts, nor does one that is swept", arguments: ScratchS3.Kind.both)
    func sweep(kind: ScratchS3.Kind) async throws {
        let bucket = try await ScratchBucket.shared(kind)
        try await bucket.withStore { store in
            let aborted = try await store.write(key: "t/aborted")
            try await aborted.append(pattern(6 << 20))
            await aborted.abort()
            #expect(try await bucket.client.unfinishedUploads(bucket: bucket.name, prefix: store.prefix).isEmpty)

            let left = try await store.write(key: "t/left")
            try await left.append(pattern(6 << 20))
            #expect(try await bucket.client.unfinishedUploads(bucket: bucket.name, prefix: store.prefix).count == 1)
            #expect(try await store.removeUnfinished(untouchedSince: Timestamp(milliseconds: 0)) == 0)
            #expect(try await store.removeUnfinished(untouchedSince: Timestamp(milliseconds: .max)) == 1)
            #expect(try await bucket.client.unfinishedUploads(bucket: bucket.name, prefix: store.prefix).isEmpty)
            // moto answers 500 to a part of an upload that isn't there.
            if kind == .moto { return await left.abort() }
            #expect(await code { () throws(StorageError) in _ = try await left.finish() } == .notFound)
        }
    }

    @Test(
        "removing a task's files takes its uploads along, and their writers notice", arguments: ScratchS3.Kind.both)
    func removed(kind: ScratchS3.Kind) async throws {
        let bucket = try await ScratchBucket.shared(kind)
        try await bucket.withStore { store in
            let large = try await store.write(key: "task-1/input/large")
            try await large.append(pattern(6 << 20))
            let small = try await store.write(key: "task-1/input/small", atMost: 100)
            try await small.append([1])
            try await store.put("task-2/input/kept", [1])
            try await store.remove(prefix: "task-1")
            #expect(await code { () throws(StorageError) in _ = try await large.finish() } == .notFound)
            #expect(await code { () throws(StorageError) in _ = try await small.finish() } == .notFound)
            #expect(try await store.list(prefix: "", after: nil, limit: 9).map(\.key) == ["task-2/input/kept"])
            #expect(try await bucket.client.unfinishedUploads(bucket: bucket.name, prefix: store.prefix).isEmpty)
        }
    }

    @Test("nothing outside its prefix is seen or removed, and foreign keys inside are passed over")
    func prefix() async throws {
        let bucket = try await ScratchBucket.shared(.moto)
        try await bucket.withStore { store in
            let beside = String(store.prefix.dropLast()) + "0/x"
            try await bucket.client.put(bucket: bucket.name, key: beside, [1])
            try await bucket.client.put(bucket: bucket.name, key: store.prefix + "t/not a key", [1])
            try await store.put("t/x", [1])
            #expect(try await store.list(prefix: "", after: nil, limit: 1).map(\.key) == ["t/x"])
            #expect(try store.objectKey("t/x") == store.prefix + "t/x")
            try await store.remove(prefix: "t")
            #expect(try await bucket.client.list(bucket: bucket.name, prefix: store.prefix).objects.isEmpty)
            #expect(try await bucket.client.head(bucket: bucket.name, key: beside).size == 1)
            try await bucket.client.delete(bucket: bucket.name, key: beside)
        }
    }

    @Test("over https, parts aren't hashed, the authority is the configured one, and no other is trusted")
    func secure() async throws {
        let bucket = try await ScratchBucket.shared(.rcloneTLS)
        try await bucket.withStore { store in
            let bytes = pattern(11 << 20)
            let stored = try await store.put("t/x", bytes, piece: 1 << 20)
            #expect(stored.digest == SHA256.digest(of: bytes))
            try await store.put("t/small", [1, 2])
            #expect(try await store.get("t/x", piece: 1 << 20) == bytes)
            #expect(try await store.list(prefix: "t", after: nil, limit: 9).map(\.key) == ["t/small", "t/x"])
        }
        let distrustful = try ScratchBucket.client(S3Endpoint(url: bucket.url), clock: ImpatientClock())
        do throws(StorageError) {
            try await distrustful.check(bucket: bucket.name)
            Issue.record("it was trusted")
        } catch {
            #expect(error.code == .unreachable)
            #expect(error.message.contains("certificate"))
        }
    }

    @Test("removes more objects than one request takes")
    func many() async throws {
        let bucket = try await ScratchBucket.shared(.rclone)
        try await bucket.withStore { store in
            try await withThrowingTaskGroup { group in
                for worker in 0..<8 {
                    group.addTask {
                        for number in 0..<130 {
                            let key = "\(store.prefix)t/\(worker)-\(number)"
                            try await bucket.client.put(bucket: bucket.name, key: key, [])
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await store.list(prefix: "t", after: nil, limit: 5000).count == 1040)
            try await store.remove(prefix: "t")
            #expect(try await store.list(prefix: "", after: nil, limit: 1).isEmpty)
        }
    }

    @Test("a bucket that isn't there is named at the start")
    func noBucket() async throws {
        let bucket = try await ScratchBucket.shared(.moto)
        let store = S3Store(client: bucket.client, bucket: "not-made", prefix: "", budget: S3BufferBudget())
        do throws(StorageError) {
            try await store.prepare()
            Issue.record("there is one")
        } catch {
            #expect(error.code == .noSuchBucket)
            #expect(error.message.contains("not-made"))
        }
    }

    @Test("many uploads at once stay within the budget, and all arrive")
    func bounded() async throws {
        let budget = S3BufferBudget(.mebibytes(16))
        try await ScratchBucket.shared(.rclone).withStore(budget: budget) { store in
            let piece = pattern(1 << 20)
            try await withThrowingTaskGroup { group in
                for number in 0..<6 {
                    group.addTask {
                        let writer = try await store.write(key: "task-\(number % 3)/input/\(number)")
                        for _ in 0..<16 {
                            try await writer.append(piece)
                            #expect(budget.inUse <= .mebibytes(16))
                        }
                        #expect(try await writer.finish().size == .mebibytes(16))
                    }
                }
                try await group.waitForAll()
            }
            #expect(budget.inUse == 0)
            #expect(
                try await store.list(prefix: "", after: nil, limit: 10).map(\.size.bytes)
                    == Array(repeating: 16 << 20, count: 6))
        }
    }

    @Test("every byte arrives over a line that breaks all the time, up and down")
    func flaky() async throws {
        let bucket = try await ScratchBucket.shared(.rclone)
        try await LoopRunner.onLoop { loop in
            let breaks = Counter()
            let line = try FlakyLine(on: loop, to: try await ScratchS3.shared(.rclone).port) { number in
                _ = breaks.next()
                return (2 + number * 7 % 13) << 20
            }
            var configuration = S3Configuration(endpoint: try S3Endpoint(url: line.url))
            configuration.attempts = 30
            let credentials = S3Credentials(
                accessKeyID: ScratchS3.accessKeyID, secretAccessKey: ScratchS3.secretAccessKey)
            let client = S3Client(configuration, client: CurlClient(loop: loop), clock: ImpatientClock()) {
                credentials
            }
            let budget = S3BufferBudget(.mebibytes(20))
            let store = S3Store(
                client: client, bucket: bucket.name, prefix: ScratchBucket.freshPrefix(), budget: budget)
            try await withThrowingTaskGroup { group in
                for number in 0..<6 {
                    group.addTask {
                        let bytes = Array(pattern(17 << 20)[(number << 20)...])
                        let stored = try await store.put("task-\(number)/x", bytes, piece: 300_000)
                        #expect(stored.digest == SHA256.digest(of: bytes))
                        #expect(try await store.get("task-\(number)/x", piece: 300_000) == bytes)
                        try await store.remove(prefix: "task-\(number)")
                    }
                }
                try await group.waitForAll()
            }
            #expect(breaks.next() > 20)
            #expect(budget.inUse == 0)
            #expect(try await client.unfinishedUploads(bucket: bucket.name, prefix: store.prefix).isEmpty)
            line.stop()
        }
    }

    /// A measurement, for those who ask for it: SCALEODM_MEASURE_S3=1 swift test --filter S3StoreTests.gibibyte
    @Test(
        "a gibibyte passes through the memory of the budget", .enabled(if: getenv("SCALEODM_MEASURE_S3") != nil))
    func gibibyte() async throws {
        try await ScratchBucket.shared(.rclone).withStore { store in
            let piece = pattern(128 << 10)
            try await store.put("t/warm", pattern(6 << 20), piece: 1 << 20)
            let before = Self.resident()
            var peak = 0
            let start = SystemTime.now()
            let writer = try await store.write(key: "t/x")
            for number in 0..<8192 {
                try await writer.append(piece)
                if number % 8 == 0 { peak = max(peak, Self.resident()) }
            }
            _ = try await writer.finish()
            let middle = SystemTime.now()
            let reader = try await store.read(key: "t/x", from: 0)
            var count = 0
            while case let bytes = try await reader.read(upTo: 128 << 10), !bytes.isEmpty {
                count += bytes.count
                peak = max(peak, Self.resident())
            }
            #expect(count == 1 << 30)
            let growth = peak - before
            print(
                "1 GiB up in \(middle - start) ms, down in \(SystemTime.now() - middle) ms, \(growth) KiB more at the peak"
            )
            #expect(growth < 48 << 10)
        }
    }

    /// Memory of this program that is resident and no file's, in KiB.
    private static func resident() -> Int {
        let status = String(decoding: ScratchFolder.content(of: "/proc/self/status") ?? [], as: UTF8.self)
        let line = status.split(separator: "\n").first { $0.hasPrefix("RssAnon:") }
        return line.flatMap { Int($0.split(separator: " ").dropLast().last ?? "") } ?? 0
    }

    private enum SystemTime {
        static func now() -> Int64 {
            var time = timespec()
            clock_gettime(CLOCK_MONOTONIC, &time)
            return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
        }
    }
}
