/// All that a user says to the gateway: one file, typed, with the defaults filled in.
///
/// The keys of the file and their formats stand in `Inventory+Fields.swift` and beside each section.
public struct Inventory: Sendable, Equatable {
    /// The NodeODM API.
    public var listen = ListenAddress(host: "0.0.0.0", port: 31100)
    /// On both listeners.
    public var tls: ListenerTLS?
    /// As nodes reach the gateway: for sm-cluster and absolute URLs.
    public var publicAddress: HTTPURL?
    /// Dashboard, admin API, metrics, probes.
    public var admin = AdminSettings()
    /// Which web pages may call the API.
    public var cors = CORSSettings()
    /// Networks whose X-Forwarded-For is believed.
    public var trustedProxies: [Network] = []
    /// The log.
    public var log = LogSettings()
    /// How the gateway goes down.
    public var drain = DrainSettings()
    /// The routing record.
    public var database = DatabaseURL.sqlite(path: "data/scaleodm.db")
    /// Where uploaded images wait until a backend has them.
    public var storage = StorageSettings()
    /// How results reach clients; a backend may override it.
    public var downloads = DownloadMode.stream
    /// Bounds of what clients may send, and of how long things are kept.
    public var limits = LimitSettings()
    /// Placement.
    public var scheduling = SchedulingSettings()
    /// How often a running task is read.
    public var mirror = MirrorSettings()
    /// Who may call the API.
    public var auth = AuthSettings()
    /// http(s) zipurls.
    public var fetch = FetchSettings()
    /// Who is told of a task's end.
    public var webhooks = WebhookSettings()
    /// Where tasks run; may be empty.
    public var backends: [BackendDefinition] = []

    /// The defaults.
    public init() {}
}
