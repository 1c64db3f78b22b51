public import Model

/// A task that waits for a backend, as the scheduler sees it.
public struct QueuedTask: Sendable, Equatable {
    /// Its public identity.
    public var id: TaskID
    /// Whose it is.
    public var owner: OwnerID
    /// Its counted images: files less text, align and zip ones; 0 where nobody knows.
    public var images: Int
    /// All of its input files.
    public var size: ByteCount
    /// What it demands of a backend.
    public var requirements: Requirements
    /// When it was committed: its age in the queue, kept over failed placements.
    public var queuedSince: Timestamp
    /// The pause after a counted failure (5, 10, 20, 40 s); nil: ready.
    public var notBefore: Timestamp?
    /// Backends that refused this task.
    public var passedOver: Set<BackendName>
    /// The node that its inputs were sent ahead to, in whole or in part.
    public var staged: BackendName?
    /// Whether those inputs are still on their way: then any other free slot is better.
    public var isStaging = false
    /// The version of what this was made of, for whoever keeps it up to date; nil: to be made anew. It decides nothing.
    public var revision: Int64?

    /// Every part is given, the rarer ones by default absent.
    public init(
        id: TaskID, owner: OwnerID, images: Int, size: ByteCount, requirements: Requirements, queuedSince: Timestamp,
        notBefore: Timestamp? = nil, passedOver: Set<BackendName> = [], staged: BackendName? = nil
    ) {
        self.id = id
        self.owner = owner
        self.images = images
        self.size = size
        self.requirements = requirements
        self.queuedSince = queuedSince
        self.notBefore = notBefore
        self.passedOver = passedOver
        self.staged = staged
    }

    /// From when on it could be placed.
    var readySince: Timestamp { max(queuedSince, notBefore ?? queuedSince) }
    /// How much work it is, in images; a task without counted images is still one.
    var work: Double { Double(max(1, images)) }
}
