internal import Backends
internal import Configuration
internal import HTTPClient
internal import Model
internal import NodeODM
internal import Observability
internal import Reactor
internal import Storage

/// The buckets that clients name, read with the gateway's own credentials within what the operator allows.
struct ClientBuckets: Sendable {
    private let settings: S3Settings
    private let configuration: S3Configuration
    private let client: CurlClient
    private let clock: any WorldClock
    /// Names of the gateway's own store in the networks of pods.
    private let aliases: [S3Endpoint]
    private let allowed: [S3Endpoint]
    /// What clients may name as odmImage; nil where a backend decides by itself.
    private let images: [String]?

    /// So often a store is asked that doesn't answer: a client waits meanwhile.
    private static let tries = 4

    /// - Parameters:
    ///   - inventory: has `storage.s3`; nil is made where it hasn't.
    ///   - client: makes the requests.
    ///   - clock: signs and pauses by it.
    /// - Throws: for an endpoint that is none.
    init?(_ inventory: Inventory, client: CurlClient, clock: any WorldClock) throws(StorageError) {
        guard let settings = inventory.storage.s3 else { return nil }
        self.settings = settings
        self.client = client
        self.clock = clock
        var configuration = try S3Configuration(settings)
        configuration.attempts = Self.tries
        self.configuration = configuration
        var aliases: [S3Endpoint] = []
        var images: [String]? = []
        for backend in inventory.backends {
            switch backend.settings {
            case .argo(let argo):
                if let url = argo.workflow.s3Endpoint { aliases.append(try S3Endpoint(url: url.origin)) }
                images?.append(contentsOf: [argo.workflow.odmImage] + argo.workflow.allowedODMImages)
            case .scaleodm: images = nil
            case .nodeodm: break
            }
        }
        self.aliases = aliases
        self.images = images
        var allowed: [S3Endpoint] = []
        for url in settings.allowedEndpoints { allowed.append(try S3Endpoint(url: url.origin)) }
        self.allowed = allowed
    }

    // MARK: What clients may name

    /// Refuses what the operator doesn't allow.
    /// - Throws: the first thing that isn't.
    func check(_ fields: ObjectStorageFields) throws(ObjectStorageRefusal) {
        for place in [fields.input, fields.output] { try check(place) }
        if let image = fields.engineImage, let images, !EngineImages.allow(images, image) {
            throw .refused("odmImage `\(image)` isn't among those that this gateway allows.")
        }
        _ = try store(at: fields.endpoint, region: fields.region)
    }

    /// Refuses a place in a bucket that isn't allowed, and the gateway's own place: what is there belongs to other tasks.
    func check(_ place: S3URL) throws(ObjectStorageRefusal) {
        guard settings.allowedBuckets.contains(where: { $0 == "*" || $0 == place.bucket }) else {
            throw .refused("Bucket `\(place.bucket)` isn't among those that this gateway allows.")
        }
        guard place.bucket == settings.bucket else { return }
        guard !place.prefix.hasPrefix(settings.prefix), !settings.prefix.hasPrefix(place.prefix) else {
            throw .refused("\(place) holds files of the gateway itself; name another folder.")
        }
    }

    /// How the store of a task is reached from here. A name that pods have for our own store leads to ours.
    private func store(
        at address: String?, region: String? = nil
    ) throws(ObjectStorageRefusal) -> S3Configuration {
        var configuration = configuration
        if let region { configuration.region = region }
        guard let url = address else { return configuration }
        let refusal = ObjectStorageRefusal.refused("s3Endpoint `\(url)` isn't among those that this gateway allows.")
        let endpoint: S3Endpoint
        do throws(StorageError) { endpoint = try S3Endpoint(url: url) } catch { throw refusal }
        if endpoint == configuration.endpoint || aliases.contains(endpoint) { return configuration }
        guard allowed.contains(endpoint) else { throw refusal }
        configuration.endpoint = endpoint
        configuration.publicEndpoint = nil
        return configuration
    }

    // MARK: Reading

    /// A client of the store that a task's places are in.
    /// - Parameters:
    ///   - fields: of the task.
    ///   - client: makes the requests; nil: the one of the control loop.
    /// - Returns: one that has learned nothing yet.
    /// - Throws: where its endpoint isn't allowed (any more).
    func client(for fields: ObjectStorageFields?, over client: CurlClient? = nil) throws(ObjectStorageRefusal)
        -> S3Client
    {
        let configuration = try store(at: fields?.endpoint, region: fields?.region)
        return S3Client(configuration, client: client ?? self.client, clock: clock, credentials: settings.credentials)
    }

    /// A client of the store at an endpoint.
    /// - Parameter endpoint: as a task named it; nil: the gateway's own.
    /// - Returns: one that has learned nothing yet.
    /// - Throws: where it isn't allowed (any more).
    func client(endpoint: String?) throws(ObjectStorageRefusal) -> S3Client {
        S3Client(try store(at: endpoint), client: self.client, clock: clock, credentials: settings.credentials)
    }

    /// Where the gateway keeps what is its own.
    var own: S3URL? { settings.own }

    /// Whether anything can be read.
    var hasKeys: Bool { settings.hasKeys }

    /// Looks through a task's input place.
    /// - Returns: the fields with what is known of the inputs now, and the counts.
    /// - Throws: in words, where nothing can be made of it.
    func survey(_ fields: ObjectStorageFields) async throws(ObjectStorageRefusal) -> (ObjectStorageFields, InputSurvey)
    {
        try check(fields)
        let client = try client(for: fields)
        let found: InputSurvey
        do throws(StorageError) { found = try await InputSurvey.run(fields, client) } catch {
            throw ObjectStorageRefusal(error, about: fields.input.description)
        }
        guard found.images + found.archives > 0 else { throw Self.tooFew(fields, found) }
        var fields = fields
        fields.holdsArchives = found.archives > 0
        fields.holdsSideFiles = found.sideFiles > 0
        return (fields, found)
    }

    /// drone-tm shows its own help for the first words.
    private static func tooFew(_ fields: ObjectStorageFields, _ found: InputSurvey) -> ObjectStorageRefusal {
        let place = "\(fields.input)"
        guard found.objects > 0 else { return .refused("Not enough images: nothing is in \(place).") }
        let levels = fields.depth == 1 ? "directly in it" : "in \(fields.depth) levels of folders"
        return .refused("Not enough images: none was found in \(place), looking \(levels).")
    }
}
