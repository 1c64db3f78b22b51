public import Model
internal import SQL

/// Why an attempt gives its task back to the queue (rules, Attempts).
public struct Release: Sendable, Equatable {
    /// What allows the task to leave the backend (rules, *Never twice*).
    public enum Proof: Sendable, Equatable {
        /// The attempt never reached committing.
        case nothingCommitted
        /// The backend is proven neither to have the task nor to get it.
        case backendDisowns
        /// Our terminate or remove was seen true, and the run had not ended by itself.
        case seenEnded
        /// The backend lost it: confirmed over the grace.
        case vanished
        /// Nobody could tell whether the backend has the task, and an operator says that it doesn't run there.
        case operatorsWord
    }

    /// What allows it.
    public var proof: Proof
    /// Whether it counts towards `scheduling.attempts`.
    public var isCounted: Bool
    /// Why, for people; the task's error message if this was the last attempt allowed.
    public var reason: String
    /// Counted failures after which the task fails; only looked at where this one is counted.
    public var limit: Int
    /// The task isn't placed again before this moment.
    public var retryAt: Timestamp?
    /// Whether the backend is passed over for this task from now on.
    public var passesOver: Bool
    /// Whether the list of backends passed over starts anew: all have refused.
    public var clearsPassedOver: Bool
    /// What of the attempt is still on the backend and to be cleaned up; nil where nothing is.
    public var leftover: CleanupKind?
    /// Whether the backend still holds the project that the attempt was to start again in place.
    public var projectStays: Bool
    /// The mark that the attempt keeps.
    public var outcome: AttemptOutcome
    /// What the task's history calls it; nil: by proof and count.
    public var event: EventKind?

    /// Describes a release. Without an outcome it is `.vanished` by the proof, else `.refused` if it is counted, else
    /// `.released`.
    public init(
        proof: Proof, isCounted: Bool = false, reason: String, limit: Int = .max, retryAt: Timestamp? = nil,
        passesOver: Bool = false, clearsPassedOver: Bool = false, leftover: CleanupKind? = nil,
        projectStays: Bool = false, outcome: AttemptOutcome? = nil
    ) {
        self.proof = proof
        self.isCounted = isCounted
        self.reason = reason
        self.limit = limit
        self.retryAt = retryAt
        self.passesOver = passesOver
        self.clearsPassedOver = clearsPassedOver
        self.leftover = leftover
        self.projectStays = projectStays
        self.outcome = outcome ?? (proof == .vanished ? .vanished : isCounted ? .refused : .released)
    }
}

/// What became of a task whose attempt has ended.
public enum EndOutcome: Sendable, Equatable {
    /// It waits for a backend again, with so many counted failures.
    case queued(failures: Int)
    /// It is over, in this state.
    case ended(TaskState)
    /// That attempt doesn't live any more, or is in another step: somebody else was first.
    case lost
}

/// Attempts that end without an end of the task.
extension TaskStore {
    /// Ends an attempt and gives its task back to the queue; to its end where the failures are exhausted (FAILED), or
    /// where its owner has cancelled it meanwhile.
    public func release(
        _ key: AttemptKey, _ release: Release, webhook: WebhookPolicy = .init(), at: Timestamp
    ) async throws(RecordError) -> EndOutcome {
        try await guardedTransition(at: at, or: .lost) { transition in
            let (task, attempt) = try await transition.lockLive(key)
            guard release.proof.allows(leaving: attempt) else { throw GuardFailed() }
            try await transition.end(attempt, release)
            return try await transition.dispose(of: task, after: release, attempt, webhook)
        }
    }
}

extension Release.Proof {
    fileprivate func allows(leaving attempt: AttemptRecord) -> Bool {
        switch self {
        case .nothingCommitted: attempt.state == .recorded || attempt.state == .sending
        case .backendDisowns, .seenEnded, .vanished: attempt.state == .committing || attempt.state == .accepted
        case .operatorsWord: attempt.isHeld
        }
    }
}

extension Transition {
    fileprivate func end(_ attempt: AttemptRecord, _ release: Release) async throws {
        try await end(attempt, release.outcome, isCounted: release.isCounted, failure: release.reason)
        if let leftover = release.leftover {
            try await leave(attempt, leftover)
        } else {
            try await forgetCopy(of: attempt)
        }
        if release.projectStays { try await giveBackProject(attempt) }
        try await tell(release.event(of: attempt), of: attempt, release.reason)
    }

    /// What the owner asked for decides; only without a wish the task goes back to the queue.
    fileprivate func dispose(
        of task: TaskRecord, after release: Release, _ attempt: AttemptRecord, _ webhook: WebhookPolicy
    ) async throws -> EndOutcome {
        switch task.intent {
        case .cancel, .remove: return try await conclude(task, .canceled(), webhook)
        case .restart: return try await requeue(task, QueueEntry(failures: 0))
        case .none: break
        }
        let failures = task.failures + (release.isCounted ? 1 : 0)
        if release.isCounted, failures >= release.limit {
            var end = TaskEnd(code: .failed, errorMessage: release.reason)
            end.failures = failures
            return try await conclude(task, end, webhook)
        }
        var entry = QueueEntry(failures: failures, notBefore: release.retryAt)
        entry.passedOver = release.clearsPassedOver ? [] : task.passedOver
        if release.passesOver, !entry.passedOver.contains(attempt.backend) { entry.passedOver.append(attempt.backend) }
        return try await requeue(task, entry)
    }
}

extension Release {
    fileprivate func event(of attempt: AttemptRecord) -> EventKind {
        if let event { return event }
        if proof == .vanished { return .vanished }
        if isCounted { return .refused }
        return attempt.isPrefetch ? .prefetchMoved : .released
    }
}
