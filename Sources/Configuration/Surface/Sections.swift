public import Model
public import Observability

/// `tls`: certificate and key of the listeners.
public struct ListenerTLS: Sendable, Equatable {
    /// Path of a PEM file with the chain.
    public var certificate = ""
    /// Path of a PEM file.
    public var key = ""
    /// To be filled in.
    public init() {}
}

/// `admin`: the second listener.
public struct AdminSettings: Sendable, Equatable {
    /// Where it listens.
    ///
    /// Not on a loopback address without a token.
    public var listen = ListenAddress(host: "127.0.0.1", port: 31101)
    /// What a caller must present; nil: nothing.
    public var token: Secret?
    /// The defaults.
    public init() {}
}

/// `cors`: which web pages may call the API.
public struct CORSSettings: Sendable, Equatable {
    /// `*` or origins such as `https://webodm.example.org`.
    public var origins = ["*"]
    /// The defaults.
    public init() {}
    /// Whether any page may.
    public var allowsAny: Bool { origins.contains("*") }
}

/// `log`: how much is logged, and how it looks.
public struct LogSettings: Sendable, Equatable {
    /// How lines look.
    public enum Format: String, Sendable, CaseIterable {
        /// Text on a terminal, else JSON.
        case auto
        /// For people.
        case text
        /// For programs.
        case json
    }
    /// How lines look.
    public var format = Format.auto
    /// Lines below it are dropped.
    public var level = LogLevel.info
    /// The defaults.
    public init() {}
}

/// `drain`: what happens between SIGTERM and the end.
public struct DrainSettings: Sendable, Equatable {
    /// How long the gateway says that it isn't ready before it stops to accept.
    public var delay = Duration.seconds(5)
    /// How long what runs may still run.
    public var timeout = Duration.seconds(600)
    /// The defaults.
    public init() {}
}

/// `downloads`: how results reach clients.
public enum DownloadMode: String, Sendable, CaseIterable {
    /// Through the gateway.
    case stream
    /// By a pre-signed URL of the object store.
    case redirect
}

/// `limits`: bounds of what clients may send, and of how long things are kept.
public struct LimitSettings: Sendable, Equatable {
    /// A request's head.
    public var header = ByteCount.kibibytes(64)
    /// How long a head may take.
    public var headerTime = Duration.seconds(10)
    /// A body that brings under 4 KiB in this time while the gateway is ready for it; a keep-alive connection.
    public var idle = Duration.seconds(60)
    /// A download whose client doesn't read.
    public var unread = Duration.seconds(1800)
    /// One file of an upload.
    public var uploadFile = ByteCount.gibibytes(100)
    /// All files of a task.
    public var uploadTask = ByteCount.gibibytes(2048)
    /// What /info says as maxImages; nil: the largest backend's.
    public var images: Int?
    /// An upload without a commit is removed after this long without data.
    public var staleUpload = Duration.seconds(48 * 3600)
    /// Staged inputs, after the end of their task.
    public var inputRetention = Duration.seconds(48 * 3600)
    /// The record of finished tasks.
    public var taskRetention = Duration.seconds(30 * 86_400)
    /// The defaults.
    public init() {}
}

/// `scheduling`: placement.
public struct SchedulingSettings: Sendable, Equatable {
    /// How often each backend's load is read.
    public var refresh = Duration.seconds(5)
    /// How long a task waits before it may fall to the next tier.
    public var spillAfter = Duration.seconds(30)
    /// Waiting tasks whose inputs are sent ahead to a busy NodeODM node.
    public var prefetch = 1
    /// Failed refreshes in a row after which a backend is offline.
    public var offlineAfter = 3
    /// Counted failures of one task before it fails.
    public var attempts = 5
    /// A task that no listed backend could ever take for so long fails.
    public var impossibleAfter = Duration.seconds(3600)
    /// The defaults.
    public init() {}
}

/// `mirror`: how often a running task of a NodeODM or ScaleODM backend is read.
public struct MirrorSettings: Sendable, Equatable {
    /// The ordinary pace; the mirror itself is faster while tasks wait and slower while nobody asks.
    public var refresh = Duration.seconds(1)
    /// The defaults.
    public init() {}
}

/// `fetch`: http(s) zipurls, which the gateway fetches itself.
public struct FetchSettings: Sendable, Equatable {
    /// Whether a client may name a private or link-local address.
    public var allowPrivateAddresses = false
    /// The largest one.
    public var maxSize = ByteCount.gibibytes(100)
    /// How long one may take.
    public var timeout = Duration.seconds(6 * 3600)
    /// The defaults.
    public init() {}
}

/// `webhooks`: who is told of a task's end.
public struct WebhookSettings: Sendable, Equatable {
    /// Told of every task's end, beside the task's own webhook.
    public var url: HTTPURL?
    /// False: no request to a private or link-local address.
    public var allowPrivateAddresses = true
    /// The defaults.
    public init() {}
}
