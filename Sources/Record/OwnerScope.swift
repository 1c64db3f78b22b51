internal import SQL

/// Which tasks a caller may see and change; all others look as if they didn't exist.
public enum OwnerScope: Sendable, Equatable {
    /// All of them: tokens are off, or the gateway itself asks.
    case everything
    /// Those of one token; nil: those sent without one.
    case owner(String?)

    /// Whether a task of this owner is in sight.
    public func includes(_ owner: String?) -> Bool {
        switch self {
        case .everything: true
        case .owner(let name): name == owner
        }
    }
}

extension OwnerScope {
    /// For a statement's WHERE: 1 where everybody's tasks are in sight.
    var isEverything: SQLValue { SQLValue(self == .everything) }
    /// For a statement's WHERE: the owner that is meant otherwise.
    var ownerValue: SQLValue {
        switch self {
        case .everything: .null
        case .owner(let name): SQLValue(name)
        }
    }
}
