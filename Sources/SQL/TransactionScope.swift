internal import Synchronization

/// Knows whether the running task is inside a transaction's body, where the database itself must not be used.
///
/// Such a call would wait for the connection that the transaction holds: for ever on SQLite, and on PostgreSQL whenever
/// the pool is exhausted. It is refused at once instead.
final class TransactionScope: Sendable {
    @TaskLocal static var current: TransactionScope?

    private let database: ObjectIdentifier
    /// A task that the body left behind inherits the scope, but outlives it.
    private let isOpen = Atomic(true)

    private init(database: ObjectIdentifier) { self.database = database }

    /// Runs the body of a transaction on `database`.
    static func run<T>(on database: any Database & AnyObject, _ body: () async throws -> T) async throws -> T {
        let scope = TransactionScope(database: ObjectIdentifier(database))
        defer { scope.isOpen.store(false, ordering: .relaxed) }
        return try await $current.withValue(scope) { try await body() }
    }

    /// Refuses a call of the database from inside one of its transactions.
    static func refuseInside(_ database: any Database & AnyObject) throws(DatabaseError) {
        guard let scope = current, scope.database == ObjectIdentifier(database) else { return }
        guard scope.isOpen.load(ordering: .relaxed) else { return }
        throw DatabaseError(
            .invalid, "The database was used inside a transaction's body; use the session that the body is given.")
    }
}
