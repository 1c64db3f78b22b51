import Digests
import Glibc
import HTTPClient
import HTTPTypes
import Model
import Reactor
import Synchronization
import TestSupport

@testable import Storage

/// A bucket of a stand-in for S3, which the tests share, each below a prefix of its own.
struct ScratchBucket: Sendable {
    let client: S3Client
    var name = "scratch-bucket"
    /// The endpoint.
    var url: String { client.configuration.endpoint.description }

    static func shared(_ kind: ScratchS3.Kind) async throws -> ScratchBucket {
        switch kind {
        case .moto: try await moto.value
        case .rclone: try await rclone.value
        case .rcloneTLS: try await rcloneTLS.value
        }
    }

    private static let moto = Task { try await make(.moto) }
    private static let rclone = Task { try await make(.rclone) }
    private static let rcloneTLS = Task { try await make(.rcloneTLS) }
    private static let lastPrefix = Atomic<Int>(0)
    /// The loop that libcurl runs on for all of them.
    private static let loops = Result {
        let group = try EventLoopGroup(loops: 1, name: "s3")
        group.start()
        return group.loops
    }

    private static func make(_ kind: ScratchS3.Kind) async throws -> ScratchBucket {
        let server = try await ScratchS3.shared(kind)
        let bucket = ScratchBucket(client: try client(of: server))
        _ = try await bucket.client.send(S3Call("CreateBucket", .put, bucket.name))
        return bucket
    }

    /// A client of a stand-in.
    static func client(of server: ScratchS3) throws -> S3Client {
        try client(S3Endpoint(url: server.url), authority: server.authority)
    }

    /// A client of any endpoint with the credentials that the stand-ins know.
    static func client(
        _ endpoint: S3Endpoint, clock: any WorldClock = SystemClock(), secret: String = ScratchS3.secretAccessKey,
        authority: String? = nil
    ) throws -> S3Client {
        var configuration = S3Configuration(endpoint: endpoint)
        configuration.authoritiesFile = authority
        let credentials = S3Credentials(accessKeyID: ScratchS3.accessKeyID, secretAccessKey: secret)
        let curl = CurlClient(loop: try loops.get()[0])
        return S3Client(configuration, client: curl, clock: clock) { credentials }
    }

    /// What no other test's keys begin with.
    static func freshPrefix() -> String { "\(run)/\(lastPrefix.add(1, ordering: .relaxed).newValue)/" }

    private static let run = "scratch-" + RandomBytes.hexadecimal(bytes: 6)

    /// Whether the environment names a store to run the suite on, which no `make test` does:
    ///
    ///     SCALEODM_TEST_S3_ENDPOINT=https://… SCALEODM_TEST_S3_BUCKET=… AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…
    ///     [AWS_SESSION_TOKEN=… AWS_DEFAULT_REGION=…] swift test --filter ObjectStoreTests
    static var hasReal: Bool { environment("SCALEODM_TEST_S3_ENDPOINT") != nil }

    /// A bucket of that store, which has to be there. Everything is written below `scratch-…/`, and removed.
    static func real() throws -> ScratchBucket {
        var configuration = S3Configuration(
            endpoint: try S3Endpoint(url: environment("SCALEODM_TEST_S3_ENDPOINT") ?? ""))
        configuration.region = environment("AWS_DEFAULT_REGION") ?? configuration.region
        let credentials = S3Credentials(
            accessKeyID: environment("AWS_ACCESS_KEY_ID") ?? "",
            secretAccessKey: environment("AWS_SECRET_ACCESS_KEY") ?? "", sessionToken: environment("AWS_SESSION_TOKEN"))
        let curl = CurlClient(loop: try loops.get()[0])
        let client = S3Client(configuration, client: curl, clock: SystemClock()) { credentials }
        return ScratchBucket(client: client, name: environment("SCALEODM_TEST_S3_BUCKET") ?? "")
    }

    private static func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    /// A store below a prefix of its own, whose objects are removed afterwards.
    func withStore(
        budget: S3BufferBudget = S3BufferBudget(), _ body: (S3Store) async throws -> Void
    ) async throws {
        let store = S3Store(client: client, bucket: name, prefix: Self.freshPrefix(), budget: budget)
        try await store.prepare()
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(store)) } catch { outcome = .failure(error) }
        let left = try await client.list(bucket: name, prefix: store.prefix).objects.map(\.key)
        _ = try await client.delete(bucket: name, keys: left)
        try outcome.get()
    }
}
