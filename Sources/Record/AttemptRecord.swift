public import Model

/// Names one attempt of one task; every change to an attempt is guarded by it.
public struct AttemptKey: Sendable, Hashable {
    /// Whose attempt.
    public var task: TaskID
    /// 1, 2, 3, …
    public var number: Int

    /// Puts the two together.
    public init(task: TaskID, number: Int) {
        self.task = task
        self.number = number
    }
}

/// How an attempt ended. A closed set: safe as a metric label.
public enum AttemptOutcome: String, Sendable, CaseIterable {
    /// The task ended well there.
    case completed
    /// The task ended with an error there.
    case failed
    /// It was ended at the owner's wish.
    case canceled
    /// Given back without a failure of the task: drain, our own end, a move, a backend out of reach.
    case released
    /// The backend refused this task, or broke its transfer: a counted failure.
    case refused
    /// It ran out of memory; the task is started once more, with more of it.
    case outgrown
    /// The backend no longer knew the task.
    case vanished
    /// Given up while its backend was silent; the old copy is looked at when the backend is back.
    case fenced
    /// An older, fenced attempt was taken back instead.
    case superseded
    /// The task was removed.
    case removed
}

/// One attempt as the record holds it.
public struct AttemptRecord: Sendable, Equatable {
    /// Task, number, backend, the name there, and how far it got.
    public var attempt: Attempt
    /// Whether the inputs are sent ahead to a busy backend: the task stays queued meanwhile.
    public var isPrefetch: Bool
    /// Whether it restarts what the backend still holds, under the same name.
    public var isInPlace: Bool
    /// Why this backend was chosen.
    public var reason: String
    /// Whether a cancel is still to be carried out on the backend.
    public var cancelIsWanted: Bool
    /// Whether that cancel is an operator's, who moves the task: once it is seen true, the task goes back to the queue.
    public var isMoving: Bool
    /// Whether it was given up while its backend was silent.
    public var isFenced: Bool
    /// Whether the backend may hold something of it: an upload area, a task, a project.
    public var mayHaveCopy: Bool
    /// How it ended; nil while it lives.
    public var outcome: AttemptOutcome?
    /// Whether its end counts towards `scheduling.attempts`.
    public var isCounted: Bool
    /// What went wrong, for people; of a committing attempt: why only an operator can say what became of it; of an accepted one: why
    /// it is to be removed from its backend.
    public var failure: String?
    /// Lines of the backend's own log that the record already has.
    public var logCursor: Int
    /// Where in object storage its results go; nil where the backend keeps them.
    public var output: S3URL?
    /// The lease of the gateway that carries it out; nil where there is but one gateway.
    public var carrier: String?
    /// When the backend was chosen.
    public var recordedAt: Timestamp
    /// When the first byte of the inputs was about to leave.
    public var sendingAt: Timestamp?
    /// When the commit was about to leave.
    public var committingAt: Timestamp?
    /// When the backend had it.
    public var acceptedAt: Timestamp?
    /// When it was over.
    public var endedAt: Timestamp?

    /// Its name in every guard.
    public var key: AttemptKey { AttemptKey(task: attempt.task, number: attempt.number) }
    /// The chosen backend.
    public var backend: BackendName { attempt.backend }
    /// The task's name on that backend.
    public var backendTask: BackendTaskID { attempt.backendTask }
    /// How far it got.
    public var state: Attempt.State { attempt.state }
    /// Whether it isn't over yet; a task has at most one such attempt.
    public var isLive: Bool { attempt.state != .ended }
    /// Whether its commit may have started the task, nobody can tell, and an operator has to decide.
    public var isHeld: Bool { attempt.state == .committing && failure != nil }
    /// Whether its backend still holds the project of this run, as far as the record knows.
    public var isProject: Bool { attempt.state == .ended && mayHaveCopy && !isFenced && acceptedAt != nil }
}

extension AttemptRecord {
    /// What the reader below reads, in its order.
    static let columns = """
        attempts.number, attempts.backend, attempts.backend_task, attempts.state, attempts.prefetch, attempts.in_place,
        attempts.reason, attempts.cancel, attempts.fenced, attempts.copy, attempts.outcome, attempts.counted,
        attempts.failure, attempts.log_cursor, attempts.output, attempts.carrier, attempts.recorded_at,
        attempts.sending_at, attempts.committing_at, attempts.accepted_at, attempts.ended_at, attempts.moving
        """

    init(reading reader: inout RowReader, of task: TaskID) throws {
        attempt = Attempt(
            task: task, number: try reader.int(), backend: try reader.backend(),
            backendTask: BackendTaskID(try reader.text()), state: try reader.word(Attempt.State.self))
        isPrefetch = try reader.boolean()
        isInPlace = try reader.boolean()
        reason = try reader.text()
        cancelIsWanted = try reader.boolean()
        isFenced = try reader.boolean()
        mayHaveCopy = try reader.boolean()
        outcome = try reader.wordIfPresent(AttemptOutcome.self)
        isCounted = try reader.boolean()
        failure = try reader.textIfPresent()
        logCursor = try reader.int()
        output = try reader.textIfPresent().flatMap { S3URL($0) }
        carrier = try reader.textIfPresent()
        recordedAt = try reader.time()
        sendingAt = try reader.timeIfPresent()
        committingAt = try reader.timeIfPresent()
        acceptedAt = try reader.timeIfPresent()
        endedAt = try reader.timeIfPresent()
        isMoving = try reader.boolean()
    }
}
