internal import Observability
internal import Reactor
internal import Storage

/// Checks each minute that the storage folder is still ours: a volume that was unmounted leaves an empty folder behind, into
/// which uploads would go that nobody finds again (rules: *Mirror and replicas*).
struct StorageWatch: Service {
    let name = "storage"
    let folder: DirectoryStore
    /// The id that the folder was given.
    let identity: String
    let health: StorageHealth
    let clock: any WorldClock
    let logger: Logger

    private static let interval = Duration.seconds(60)

    func run() async throws {
        while true {
            try await clock.sleep(for: Self.interval)
            await check()
        }
    }

    /// Looks once.
    func check() async {
        let problem: String?
        do throws(StorageError) {
            problem = try await folder.identity() == identity ? nil : Self.foreign
        } catch {
            problem = "The gateway's storage folder can't be read: \(error.message)"
        }
        guard health.note(problem) else { return }
        if let problem {
            logger.error("storage folder is wrong", ["error": .string(problem)])
        } else {
            logger.info("storage folder is right again")
        }
    }

    private static let foreign =
        "The gateway's storage folder isn't the one that its record was made with; is its volume mounted?"
}
