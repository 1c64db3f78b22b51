import HTTPClient
import HTTPTypes
import Model
import Reactor
import Synchronization
import TestSupport

@testable import Storage

/// A bucket of a stand-in for S3, which the tests share, each below a prefix of its own.
struct ScratchBucket: Sendable {
    let server: ScratchS3
    let client: S3Client
    let name = "scratch-bucket"

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
        let bucket = ScratchBucket(server: server, client: try client(of: server))
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
    static func freshPrefix() -> String { "scratch/\(lastPrefix.add(1, ordering: .relaxed).newValue)/" }

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
