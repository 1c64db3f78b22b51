internal import HTTPClient
internal import Model

/// What may be fetched, as the inventory says.
struct FetchRules: Sendable {
    /// Keeps clients away from our own network; nil with `fetch.allow_private_addresses`.
    var outboundGuard: OutboundGuard?
    /// `fetch.max_size`: bytes of an archive, and of what it unpacks to.
    var maxSize: ByteCount
    /// `fetch.timeout`: for one download.
    var timeout: Duration
    /// `limits.upload_file`: bytes of one unpacked file.
    var fileLimit: ByteCount
    /// `limits.upload_task`: bytes of all of a task's files, uploaded ones included.
    var taskLimit: ByteCount
    /// How many images a task may have.
    var images: ImageLimit

    /// Files in one archive; also bounds the folders and links that are passed over.
    static let maxEntries = 250_000
    /// Redirects that are followed; the guard looks at each of them.
    static let maxRedirects = 5
    /// So many tries fail before the task does (rules: *S3*).
    static let tries = 3
    /// How long to wait after so many failed tries: 5 s, 20 s.
    static func pause(after failures: Int) -> Duration { failures < 2 ? .seconds(5) : .seconds(20) }
    /// Archives that are fetched at the same time.
    static let concurrency = 3
}
