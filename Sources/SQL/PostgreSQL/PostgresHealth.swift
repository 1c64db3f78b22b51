internal import Synchronization

/// Whether the last attempt to connect succeeded; shared by the pools and the listener.
final class PostgresHealth: Sendable {
    private let state = Atomic(true)

    /// False from a failed attempt until the next success.
    var isUp: Bool { state.load(ordering: .relaxed) }

    /// Tells how an attempt went.
    func report(isUp: Bool) { state.store(isUp, ordering: .relaxed) }
}
