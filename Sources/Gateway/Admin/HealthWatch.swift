internal import Model
internal import Reactor
internal import Record
internal import Storage
import Synchronization

/// Looks at the database and the storage every few seconds, so that /readyz answers at once whatever hangs.
final class HealthWatch: Service {
    /// What was last seen.
    struct Sight: Sendable {
        /// When the database last answered.
        var databaseAt: MonotonicTime
        /// Why it didn't, since.
        var databaseError: String?
        /// When the storage was last looked at with success.
        var storageAt: MonotonicTime
        /// Why it couldn't be, since; nil of a folder.
        var storageError: String?
        /// Whether the storage is a bucket, which all gateways have in common.
        var isStorageShared = false
        /// What is left in it; nil where nobody knows.
        var free: ByteCount?
    }

    let name = "health"
    private let ping: DatabasePing
    private let storage: any ObjectStore
    private let isStorageShared: Bool
    private let clock: any WorldClock
    private let sight: Mutex<Sight>
    private static let interval = Duration.seconds(2)
    /// What didn't answer for so long is away.
    static let patience = Duration.seconds(10)
    /// Between two requests to an object store, which some are paid for.
    private static let bucketInterval = Duration.seconds(5)
    /// An object store that didn't answer for so long is away.
    static let bucketPatience = Duration.seconds(20)

    /// - Parameters:
    ///   - ping: of the record's database, which has answered already.
    ///   - storage: of the uploads, prepared already.
    ///   - isStorageShared: whether the storage is a bucket.
    ///   - clock: dates what is seen.
    init(ping: DatabasePing, storage: any ObjectStore, isStorageShared: Bool = false, clock: any WorldClock) {
        self.ping = ping
        self.storage = storage
        self.isStorageShared = isStorageShared
        self.clock = clock
        let now = clock.monotonic()
        sight = Mutex(Sight(databaseAt: now, storageAt: now, isStorageShared: isStorageShared))
    }

    /// What was last seen.
    var lastSight: Sight { sight.withLock { $0 } }

    func run() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { try await self.watchDatabase() }
            group.addTask { try await self.watchStorage() }
        }
    }

    private func watchDatabase() async throws {
        while true {
            do throws(RecordError) {
                try await ping.ask()
                let now = clock.monotonic()
                sight.withLock {
                    $0.databaseAt = now
                    $0.databaseError = nil
                }
            } catch {
                sight.withLock { $0.databaseError = error.message }
            }
            try await clock.sleep(for: Self.interval)
        }
    }

    private func watchStorage() async throws {
        if isStorageShared { return try await watchBucket() }
        while true {
            if let free = await storage.freeBytes() {
                let now = clock.monotonic()
                sight.withLock {
                    $0.storageAt = now
                    $0.free = free
                }
            }
            try await clock.sleep(for: Self.interval)
        }
    }

    private func watchBucket() async throws {
        while true {
            var problem: String?
            do throws(StorageError) {
                if try await storage.identity() == nil { problem = "its mark .scaleodm-storage is missing" }
            } catch {
                problem = error.message
            }
            let now = clock.monotonic()
            sight.withLock {
                $0.storageError = problem
                if problem == nil { $0.storageAt = now }
            }
            try await clock.sleep(for: Self.bucketInterval)
        }
    }
}
