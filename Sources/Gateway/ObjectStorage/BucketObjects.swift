internal import Backends
internal import Model
internal import Storage

/// The small objects beside a run in an object store: markers, consoles, descriptions.
struct BucketObjects: SmallObjects {
    let buckets: ClientBuckets

    /// Consoles are the largest.
    private static let mostBytes = 16 << 20

    /// What the store doesn't let us see isn't there for us: a run whose marker can't be seen must not go on for ever.
    func read(_ name: String, in place: S3URL, endpoint: String?) async throws -> [UInt8]? {
        let client = try buckets.client(endpoint: endpoint)
        do throws(StorageError) {
            return try await client.read(bucket: place.bucket, key: place.key(name), atMost: Self.mostBytes)
        } catch {
            switch error.code {
            case .notFound, .noSuchBucket, .accessDenied, .tooLarge: return nil
            default: throw error
            }
        }
    }

    func write(_ bytes: [UInt8], _ name: String, in place: S3URL) async throws {
        let client = try buckets.client(endpoint: nil)
        _ = try await client.put(
            bucket: place.bucket, key: place.key(name), bytes, contentType: "application/json")
    }
}
