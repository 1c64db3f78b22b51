internal import Backends
internal import HTTPClient
internal import Model
internal import NodeODM
internal import Record
internal import Storage

/// Where a task's results are, if they are in object storage.
struct ResultPlace: Sendable {
    /// What the keys begin with.
    let place: S3URL
    /// Which store that is in; nil for the gateway's own.
    let fields: ObjectStorageFields?
    let buckets: ClientBuckets

    /// - Returns: nil where the task's backend keeps its results.
    init?(of record: TaskRecord, _ buckets: ClientBuckets?) {
        guard let place = record.attempt?.output, let buckets else { return nil }
        self.init(place, objectStorage: record.objectStorage, buckets)
    }

    /// - Parameters:
    ///   - place: what the keys begin with.
    ///   - objectStorage: what the record has of the task's store.
    ///   - buckets: the stores.
    init(_ place: S3URL, objectStorage: String?, _ buckets: ClientBuckets) {
        self.place = place
        self.buckets = buckets
        fields = ObjectStorageFields(recorded: objectStorage)
    }

    /// The key of an asset.
    /// - Parameter asset: `all.zip`, a short name, or a path below the place.
    /// - Returns: nil for what can be no asset.
    func key(of asset: String) -> String? { ArgoAssets.name(of: asset).map { place.prefix + $0 } }

    /// A client of the store.
    /// - Parameter client: makes the requests; nil: the control loop's.
    /// - Returns: one that has learned nothing yet.
    /// - Throws: where the task's endpoint isn't allowed any more.
    func client(over client: CurlClient? = nil) throws(APIError) -> S3Client {
        do throws(ObjectStorageRefusal) { return try buckets.client(for: fields, over: client) } catch {
            throw APIError(error)
        }
    }
}
