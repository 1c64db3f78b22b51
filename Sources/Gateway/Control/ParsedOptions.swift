internal import NodeODM
import Synchronization

/// The options of tasks as info shows them, kept parsed: clients send few different texts, and tasks with the same one share it.
final class ParsedOptions: Sendable {
    struct Entry: Sendable {
        /// As sent, in the memory that is shared.
        let text: String
        /// Validated against the union of the fleet.
        let options: [TaskOption]
    }

    private struct Key: Hashable {
        let text: String
        let skipsPostProcessing: Bool
    }

    private struct State {
        var catalogVersion = 0
        var entries: [Key: Entry] = [:]
    }

    private let state = Mutex(State())
    private static let kept = 1024
    /// In bytes: options with a boundary or the like are rarely sent twice.
    private static let longestText = 4096

    /// - Parameters:
    ///   - text: the options as sent.
    ///   - skipsPostProcessing: what the client said beside them.
    ///   - fleet: knows what its engines take.
    /// - Returns: the same text, and what it says; no options where it can't be understood.
    func parsed(_ text: String, skipsPostProcessing: Bool, _ fleet: Fleet) -> Entry {
        let version = fleet.catalogVersion
        let key = Key(text: text, skipsPostProcessing: skipsPostProcessing)
        if let known = state.withLock({ $0.catalogVersion == version ? $0.entries[key] : nil }) { return known }
        let rules = OptionCatalog.ValidationRules(skipPostProcessing: skipsPostProcessing)
        let entry = Entry(
            text: text, options: (try? fleet.catalog.validate(optionsText: text, rules: rules).get()) ?? [])
        guard text.utf8.count <= Self.longestText else { return entry }
        state.withLock { state in
            if state.catalogVersion != version || state.entries.count >= Self.kept { state.entries = [:] }
            state.catalogVersion = version
            state.entries[key] = entry
        }
        return entry
    }
}
