internal import Configuration
internal import HTTPClient
internal import Observability
internal import Reactor
internal import Storage

/// Where files are, as the inventory says: in a folder, or in a bucket with a local folder beside it.
struct StoragePlaces: Sendable {
    /// Uploaded and fetched files until a backend has them.
    let files: any ObjectStore
    /// The same where they are in a bucket.
    let bucket: S3Store?
    /// `storage.directory`: the files themselves, or with a bucket the archives of http(s) zipurls while they are unpacked,
    /// which takes jumps to and fro that no stream allows.
    let folder: DirectoryStore
    /// What messages call it.
    let name: String
    /// Why no file of a client's is taken; nil where they are. Pods read from an object store alone, and there is no bucket for it.
    let refusal: String?
    /// Makes the requests to an object store; nil without one.
    let client: CurlClient?

    /// Opens nothing yet.
    /// - Parameters:
    ///   - settings: `storage` of the inventory.
    ///   - loop: makes the requests to an object store.
    ///   - pool: makes the calls on files.
    ///   - clock: signs requests and pauses between them.
    ///   - attempts: how often a request to an object store is tried.
    ///   - logger: told of requests that are made again.
    /// - Throws: for an endpoint that is none.
    init(
        _ settings: StorageSettings, loop: EventLoop, pool: BlockingPool, clock: any WorldClock, attempts: Int = 6,
        logger: Logger
    ) throws(StorageError) {
        folder = DirectoryStore(
            folder: settings.directory, pool: pool, sync: settings.sync, minFree: settings.minFree)
        guard let s3 = settings.s3, !s3.bucket.isEmpty else {
            files = folder
            refusal = settings.s3 == nil ? nil : Self.noBucket
            bucket = nil
            client = nil
            name = settings.directory
            return
        }
        var limits = CurlClient.Configuration()
        // Every file on its way to a node holds one for as long as the node takes, and must not keep uploads waiting.
        limits.connectionsPerHost = 1024
        let client = CurlClient(loop: loop, configuration: limits)
        var configuration = try S3Configuration(s3)
        configuration.attempts = attempts
        configuration.onRetry = { error in
            logger.info("object storage is asked again", ["error": .string(error.message)])
        }
        let store = S3Store(
            client: S3Client(configuration, client: client, clock: clock, credentials: s3.credentials),
            bucket: s3.bucket, prefix: s3.prefix, budget: S3BufferBudget(s3.buffers))
        files = store
        refusal = nil
        bucket = store
        self.client = client
        name = "s3://\(s3.bucket)/\(s3.prefix) at \(configuration.endpoint)"
    }

    private static let noBucket =
        "Uploads need SCALEODM_S3_BUCKET in the gateway's environment; until its operator sets it, only tasks whose "
        + "images are on s3 are taken (zipurl=s3://BUCKET/FOLDER/)."

    /// Makes the folder beside a bucket. Without it all but http(s) zipurls works, so its want stops nobody.
    func prepareFolder(_ logger: Logger) async {
        guard bucket != nil else { return }
        do throws(StorageError) { try await folder.prepare() } catch {
            logger.warning(
                "storage.directory can't be used: tasks with a zipurl will fail", ["error": .string(error.message)])
        }
    }

    /// Ends what is under way.
    func close() async { await client?.close() }
}
