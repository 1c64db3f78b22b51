public import Model

/// A task and the backend that shall have it now.
public struct Placement: Sendable, Equatable {
    /// Why this backend.
    public enum Choice: Sendable, Equatable {
        /// The shortest predicted wait of so many with a free slot, in the lowest tier.
        case shortestWait(candidates: Int)
        /// As `shortestWait`, after lower tiers were full for `spill_after`.
        case spilled(candidates: Int)
        /// Its inputs are there already.
        case staged
        /// Its inputs were sent ahead elsewhere, where it would wait longer than sending them again takes.
        case moved(from: BackendName)
    }

    /// The task; it is no longer in the queue.
    public var task: QueuedTask
    /// Where it goes.
    public var backend: BackendName
    /// Why.
    public var choice: Choice
    /// The tier of the backend.
    public var tier: Int
    /// Slots in use there before this placement, of how many.
    public var occupied: Int
    /// All slots there.
    public var slots: Int
    /// Images ahead of it for each slot of weight 1.
    public var predictedWait: Double

    /// One sentence for the task's events.
    public var text: String {
        let slots = "\(occupied) of \(slots) slots in use, tier \(tier)"
        switch choice {
        case .shortestWait(let candidates):
            return "\(backend): shortest predicted wait of \(candidates) with a free slot (\(slots))"
        case .spilled(let candidates):
            return "\(backend): lower tiers stayed full; shortest predicted wait of \(candidates) (\(slots))"
        case .staged: return "\(backend): its inputs are there already (\(slots))"
        case .moved(let from): return "\(backend): free before \(from), where its inputs were sent ahead (\(slots))"
        }
    }
}
