internal import Observability
internal import Reactor
internal import Storage

/// Checks each minute that the storage is still ours: a volume that was unmounted leaves an empty folder behind, into
/// which uploads would go that nobody finds again (rules: *Mirror and replicas*).
///
/// An object store that is away is no other one: who needs it is told so by itself, and gets on as soon as it is back. One
/// that couldn't be asked at the start is asked again until it was.
struct StorageWatch: Service {
    let name = "storage"
    let storage: any ObjectStore
    /// The id that the storage was given; nil where it couldn't be asked yet.
    let identity: String?
    /// Asks for it.
    let claim: @Sendable () async throws -> String
    /// Whether the storage is reached over a network.
    let isRemote: Bool
    let health: StorageHealth
    let clock: any WorldClock
    let logger: Logger

    private static let interval = Duration.seconds(60)
    /// While something is wrong, clients are waiting.
    private static let shortInterval = Duration.seconds(5)

    func run() async throws {
        var identity = identity
        while true {
            try await clock.sleep(for: health.problem == nil ? Self.interval : Self.shortInterval)
            do {
                if let identity { try await check(identity) } else { identity = try await claim() }
                note(nil)
            } catch {
                try Task.checkCancellation()
                if let error = error as? StorageError, isRemote, identity != nil {
                    logger.warning("object storage can't be asked", ["error": .string(error.message)])
                } else {
                    note("\(error)")
                }
            }
        }
    }

    private func check(_ identity: String) async throws {
        let found: String?
        do throws(StorageError) { found = try await storage.identity() } catch {
            if isRemote { throw error }
            throw StartError("The gateway's storage folder can't be read: \(error.message)")
        }
        guard found == identity else { throw StartError(isRemote ? Self.foreignBucket : Self.foreignFolder) }
    }

    private func note(_ problem: String?) {
        guard health.note(problem) else { return }
        if let problem {
            logger.error("storage is wrong", ["error": .string(problem)])
        } else {
            logger.info("storage is right again")
        }
    }

    private static let foreignFolder =
        "The gateway's storage folder isn't the one that its record was made with; is its volume mounted?"
    private static let foreignBucket =
        "What is below storage.s3's prefix isn't what the gateway's record was made with; are bucket and prefix right?"
}
