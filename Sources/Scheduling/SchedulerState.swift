import Model

/// What the scheduler remembers from one pass to the next; a value that its caller keeps.
///
/// Losing it (a restart, another replica) only starts the waits for higher tiers and for impossibility anew.
public struct SchedulerState: Sendable {
    /// Since which pass all eligible backends of a tier have been full for a class of tasks.
    ///
    /// A task's own clock starts there, or when it became ready if that was later. So a clock a class and tier is as
    /// good as one a task, and a million waiting tasks cost nothing.
    var fullSince: [SpillKey: Timestamp] = [:]
    /// When a task of a class was last sent to another tier than the one that has its inputs. It isn't in the queue while those
    /// are taken back, and its clocks go on meanwhile: else they would be sent ahead once more, and taken back, for ever.
    var leaving: [TaskClass: Timestamp] = [:]
    /// Since which pass no listed backend could ever take a class.
    var impossibleSince: [TaskClass: Timestamp] = [:]
    /// Rotation among equals: the pass's count when a backend was last chosen.
    var lastChosen: [BackendName: UInt64] = [:]
    /// Counts choices.
    var choices: UInt64 = 0

    /// Remembers nothing.
    public init() {}
}

/// A class of tasks and a tier that it may wait for.
struct SpillKey: Hashable, Sendable {
    var taskClass: TaskClass
    var tier: Int
}
