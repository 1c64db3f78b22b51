public import Model

/// What one placement pass decided.
public struct Decision: Sendable {
    /// Inputs to send ahead: nothing is started, no slot is taken.
    public struct Prefetch: Sendable, Equatable {
        /// The task; it stays in the queue, marked as staged there.
        public var task: TaskID
        /// The busy node.
        public var backend: BackendName
    }

    /// An area of inputs sent ahead that nobody will use.
    public struct Discard: Sendable, Equatable {
        /// The task; it stays in the queue, no longer marked as staged.
        public var task: TaskID
        /// The node that has the area.
        public var backend: BackendName
        /// Why the task won't be committed there.
        public var reason: Reason
    }

    /// Waiting tasks that are alike: the same demands, so the same reasons.
    public struct Waiting: Sendable {
        /// What they have in common; `TaskQueue.tasks(of:)` lists them.
        public var taskClass: TaskClass
        /// How many they are.
        public var count: Int
        /// The lowest tier with a backend that can take them; nil where none can.
        public var tier: Int?
        /// When the oldest was committed.
        public var oldest: Timestamp
        /// Why each backend doesn't take them now, in the order of the snapshots. One that could isn't here: they wait
        /// for their owner's limit, or for the node that has their inputs.
        public var reasons: [(backend: BackendName, reason: Reason)]
        /// Since when no listed backend could ever take them; nil where one could. A task fails once
        /// `impossible_after` is over since this, its commit and the last reload.
        public var impossibleSince: Timestamp?
    }

    /// In the order in which they were chosen. A `moved` one also leaves an area to discard.
    public var placements: [Placement] = []
    /// In the order in which they were chosen.
    public var prefetches: [Prefetch] = []
    /// Areas to give up.
    public var discards: [Discard] = []
    /// What is left in the queue and ready, the longest waiting class first.
    public var waiting: [Waiting] = []
    /// Owners whose further tasks wait for their `max_concurrent_tasks`.
    public var limitedOwners: Set<OwnerID> = []
    /// When a pass may decide otherwise without any event: a pause, a spill or a breaker's time ends. Nil: never.
    public var nextChange: Timestamp?
}
