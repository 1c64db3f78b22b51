/// `downloads`: how results reach clients.
public enum DownloadMode: String, Sendable, CaseIterable {
    /// Through the gateway.
    case stream
    /// By a pre-signed URL of the object store.
    case redirect
}
