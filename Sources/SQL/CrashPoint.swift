internal import Glibc
internal import Synchronization

/// The moment at which this program is to kill itself: how a test sees that what is durable at that moment is enough.
///
/// It names the statement of a transition, and whether the program dies just before that transition becomes durable or as soon as
/// it is; so every transition is two such points, and no code but this has to know of them.
public final class CrashPoint: Sendable {
    /// On which side of the commit.
    enum Side: String {
        case before
        case after
    }

    let statement: String
    let side: Side
    private let left: Atomic<Int>

    /// Reads a point; nil for a text that names none.
    /// - Parameter text: `STATEMENT[:before|after][:N]`, such as `attempt.committing:before:2`; it means the N-th time (1) that the
    ///   statement runs, and the moment after it (`after`) unless said otherwise.
    public init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard let name = parts.first, !name.isEmpty else { return nil }
        var rest = parts.dropFirst()
        let side = rest.first.flatMap(Side.init)
        if side != nil { rest = rest.dropFirst() }
        let count = rest.first.map { Int($0) ?? 0 } ?? 1
        guard rest.count <= 1, count >= 1 else { return nil }
        statement = name
        self.side = side ?? .after
        left = Atomic(count)
    }

    /// The database with this point in it.
    public func within(_ database: any Database) -> any Database { CrashingDatabase(database, self) }

    func isReached(by statement: BoundStatement) -> Bool {
        guard statement.statement.name == self.statement else { return false }
        return left.subtract(1, ordering: .relaxed).newValue == 0
    }

    /// As if by a power cut: nothing is flushed, and nobody is told.
    func die() -> Never {
        kill(getpid(), SIGKILL)
        while true { pause() }
    }
}
