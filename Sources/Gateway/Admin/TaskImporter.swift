public import Configuration
internal import Model
public import Reactor
public import Record
internal import SQL

/// Puts tasks that another gateway placed into an inventory's record.
public struct TaskImporter: Sendable {
    /// What became of them.
    public struct Outcome: Sendable, Equatable {
        /// Tasks that the record has now.
        public var added = 0
        /// Tasks that it had before.
        public var known = 0
    }

    private let inventory: Inventory
    private let loop: EventLoop
    private let pool: BlockingPool

    /// - Parameters:
    ///   - inventory: names the database and the backends.
    ///   - loop: where it is asked.
    ///   - pool: looks at files.
    public init(_ inventory: Inventory, loop: EventLoop, pool: BlockingPool) {
        self.inventory = inventory
        self.loop = loop
        self.pool = pool
    }

    /// Records tasks, and which backends were locked. What the record knows already stays as it is, so that it may be done again.
    /// - Parameters:
    ///   - tasks: on backends of the inventory.
    ///   - locked: backends that get no new tasks until they are unlocked.
    ///   - reason: where all this comes from, for each task's history.
    /// - Returns: how many are new.
    /// - Throws: `StartError`, `RecordError` and `DatabaseError`: in use by a running gateway, away, or refused.
    public func run(_ tasks: [ForeignTask], locked: [String], reason: String) async throws -> Outcome {
        let database = try await Groundwork.openDatabase(inventory.database, loops: [loop], pool)
        let outcome: Result<Outcome, any Error>
        do {
            let record = try await RoutingRecord(opening: database, random: SystemRandomBits())
            outcome = .success(try await write(tasks, locked, reason, in: record))
        } catch {
            outcome = .failure(error)
        }
        await database.close()
        return try outcome.get()
    }

    private func write(
        _ tasks: [ForeignTask], _ locked: [String], _ reason: String, in record: RoutingRecord
    ) async throws(RecordError) -> Outcome {
        let clock = SystemClock()
        var outcome = Outcome()
        for name in locked {
            try await record.backends.setSwitches(of: BackendName(recorded: name), locked: true, at: clock.timestamp)
        }
        for task in tasks {
            if try await record.tasks.takeOver(task, reason: reason, at: clock.timestamp) {
                outcome.added += 1
            } else {
                outcome.known += 1
            }
        }
        return outcome
    }
}
