internal import Model
internal import Record
import Synchronization

/// A transfer under way, as its dispatcher keeps it.
struct RunningTransfer {
    let attempt: AttemptRecord
    let task: Task<Void, Never>
    /// Opens when a prefetched task got its slot.
    let slot: WakeUp
    /// How far it is.
    let stage: TransferStage
    /// False while its inputs are only sent ahead.
    var holdsSlot: Bool
    /// Whether the scheduler was told that its inputs are still on their way.
    var wasStaging = true
    /// Why it was told to stop; nil while it may go on.
    var stopReason: String?
}

/// How far a transfer is: written by the transfer, read by its dispatcher.
final class TransferStage: Sendable {
    /// What may be done about it from outside.
    enum Step: Int {
        /// The inputs are on their way: nothing has started, so it can be given up at any time.
        case sending
        /// The inputs are there, and the task waits for its slot.
        case staged
        /// The commit may have left: only looking tells what became of it.
        case committing
    }

    private let current: Mutex<Step>

    init(_ step: Step) { current = Mutex(step) }

    var step: Step { current.withLock { $0 } }

    func enter(_ step: Step) { current.withLock { $0 = step } }
}
