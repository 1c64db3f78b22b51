internal import Model
internal import Observability

/// What became of the backends in one change.
struct RosterChange: Sendable, Equatable {
    var added: [BackendName] = []
    var changed: [BackendName] = []
    /// They have left, and serve what they have.
    var retired: [BackendName] = []
    /// They have left, and had nothing.
    var removed: [BackendName] = []

    /// For one line of the log; what is empty isn't there.
    var logged: [String: LogValue] {
        var values: [String: LogValue] = [:]
        for (word, names) in words where !names.isEmpty {
            values[word] = .string(names.map(\.string).joined(separator: ", "))
        }
        return values
    }

    /// Each group of names with its word.
    var words: [(String, [BackendName])] {
        [("added", added), ("changed", changed), ("retired", retired), ("removed", removed)]
    }
}
