internal import Model
public import SQL

/// The tasks of the record: one method a transition, each one transaction, guarded by the state that it leaves.
///
/// Whoever comes second at a transition changes nothing and is told so by the result. The moment of a transition is the
/// caller's: the store has no clock. Methods throw `RecordError`; where its `outcomeUnknown` is set, the transition may
/// have been made, and the record has to be read before the next step. The methods stand in files by concern:
/// receiving, fetching, lookups, listing, attempts, releases, fencing, ends, control, output, retention.
public struct TaskStore: Sendable {
    let database: any Database
    let lease: Lease?
    private let observer: MoveObserver?

    /// The tasks in a migrated database.
    /// - Parameters:
    ///   - database: where they are.
    ///   - observer: told of every move that this store makes, once it is committed.
    public init(_ database: any Database, observer: MoveObserver? = nil) {
        self.init(database, lease: nil, observer: observer)
    }

    private init(_ database: any Database, lease: Lease?, observer: MoveObserver?) {
        self.database = database
        self.lease = lease
        self.observer = observer
    }

    /// The same store, whose transitions hold only while a lease does; otherwise they throw `.leaseLost`.
    public func guarded(by lease: Lease) -> TaskStore { TaskStore(database, lease: lease, observer: observer) }

    /// Runs one transition.
    func transition<T: Sendable>(
        at: Timestamp, _ body: @Sendable (Transition) async throws -> T
    ) async throws(RecordError) -> T {
        do {
            return try await transact(at: at, body)
        } catch {
            throw RecordError(error)
        }
    }

    private func transact<T: Sendable>(at: Timestamp, _ body: @Sendable (Transition) async throws -> T) async throws
        -> T
    {
        let moves = observer == nil ? nil : MoveNotes()
        let result = try await database.transaction(.lockedRow) { session in
            moves?.clear()
            try await lease?.check(in: session, database.dialect)
            return try await body(Transition(session: session, at: at, moves: moves))
        }
        if let observer { moves?.tell(observer) }
        return result
    }

    /// Runs one transition whose guard may fail: false then, and nothing was changed.
    func guardedTransition(
        at: Timestamp, _ body: @Sendable (Transition) async throws -> Void
    ) async throws(RecordError) -> Bool {
        try await guardedTransition(at: at, or: false) { transition in
            try await body(transition)
            return true
        }
    }

    /// Runs one transition whose guard may fail: `loss` then, and nothing was changed.
    func guardedTransition<T: Sendable>(
        at: Timestamp, or loss: T, _ body: @Sendable (Transition) async throws -> T
    ) async throws(RecordError) -> T {
        do {
            return try await transact(at: at, body)
        } catch is GuardFailed {
            return loss
        } catch {
            throw RecordError(error)
        }
    }

    /// Reads rows, each by `read`.
    func rows<T>(
        of statement: BoundStatement, _ read: (Row) throws -> T
    ) async throws(RecordError) -> [T] {
        do {
            return try await database.query(statement).map(read)
        } catch {
            throw RecordError(error)
        }
    }

    /// Runs one statement outside any transition.
    @discardableResult
    func execute(_ statement: BoundStatement) async throws(RecordError) -> Int {
        do {
            return try await database.execute(statement)
        } catch {
            throw RecordError(error)
        }
    }
}
