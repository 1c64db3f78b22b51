public import Model
internal import SQL

/// What became of a placement.
public enum BeginOutcome: Sendable, Equatable {
    /// The attempt is recorded; it is the caller's to carry out.
    case begun(AttemptRecord)
    /// The task isn't waiting any more, or has another attempt: somebody else was first.
    case lost
    /// A restart in place was wanted on a backend that doesn't hold the project.
    case noProject
}

/// How an attempt is to be made.
public enum AttemptManner: Sendable {
    /// The inputs are sent, then the task is started: queued → dispatching.
    case fresh
    /// The inputs are sent ahead to a busy backend: the task stays queued until `promote`.
    case prefetch
    /// The project that the backend still holds is started again, under its old name: queued → dispatching.
    case inPlace
}

/// Where in object storage an attempt's results may go, by its number and whether an earlier attempt was fenced, which may still write
/// to its own place.
public struct ResultPlaces: Sendable {
    /// Gives a place; nil where results can't be stored now.
    public typealias Place = @Sendable (_ number: Int, _ isAfterFence: Bool) -> S3URL?

    /// Where they go.
    public var usual: Place
    /// Where they go while another task's run may write to the usual one; nil where no other task can.
    public var apart: Place?

    /// Puts the two together.
    public init(_ usual: @escaping Place, apart: Place? = nil) {
        self.usual = usual
        self.apart = apart
    }
}

/// From the choice of a backend to its acceptance: recorded → sending → committing → accepted.
extension TaskStore {
    /// Records that a backend is chosen, before it is asked.
    ///
    /// An attempt that ended before anything was sent is rewritten in place and keeps its number.
    /// - Parameters:
    ///   - task: the one that waits.
    ///   - backend: where it is to run.
    ///   - manner: how it is to get there.
    ///   - reason: why this backend, for people.
    ///   - at: now.
    ///   - carrier: the lease of the gateway that is to carry it out; nil where there is but one.
    ///   - places: where in object storage its results go; nil for backends that keep them.
    ///   - naming: the task's name on the backend, by the attempt's number; not asked for a restart in place. It may be
    ///     asked twice, when the database wants the transaction again.
    /// - Returns: the attempt, if nobody was faster.
    /// - Throws: `RecordError`.
    public func begin(
        _ task: TaskID, on backend: BackendName, _ manner: AttemptManner = .fresh, reason: String, at: Timestamp,
        carrier: String? = nil, places: ResultPlaces? = nil,
        naming: @Sendable (_ number: Int) -> BackendTaskID
    ) async throws(RecordError) -> BeginOutcome {
        try await transition(at: at) { transition in
            guard let record = try await transition.lock(task), record.mayBegin else { return .lost }
            let number = try await transition.nextNumber(of: record)
            var name: BackendTaskID?
            if case .inPlace = manner {
                name = try await transition.project(of: task, on: backend)?.backendTask
            } else {
                name = naming(number)
            }
            guard let name else { return .noProject }
            let attempt = Attempt(
                task: record.id, number: number, backend: backend, backendTask: name, state: .recorded)
            let (place, taken) = try await transition.place(of: attempt, among: places)
            let begun = try await transition.insert(attempt, manner, reason: reason, output: place, carrier: carrier)
            if let place, let taken {
                try await transition.tell(
                    .note, of: begun, "another task's run may write to \(taken): the results go to \(place)")
            }
            if !begun.isPrefetch { transition.dispatched(record, begun) }
            return .begun(begun)
        }
    }

    /// A prefetched task got its slot: queued → dispatching, on the backend where its inputs are.
    public func promote(_ key: AttemptKey, at: Timestamp) async throws(RecordError) -> Bool {
        try await guardedTransition(at: at) { transition in
            let (task, attempt) = try await transition.lockLive(key)
            guard task.state == .queued, task.intent == .none, attempt.isPrefetch else { throw GuardFailed() }
            try await transition.change(SQLText.dispatching(SQLValue(key.task)))
            try await transition.change(SQLText.promote(SQLValue(key.task), SQLValue(key.number)))
            try await transition.tell(.promoted, of: attempt)
            transition.dispatched(task, attempt)
        }
    }

    /// The first byte of the inputs is about to leave: from now on there may be an upload area on the backend.
    public func markSending(_ key: AttemptKey, at: Timestamp) async throws(RecordError) -> Bool {
        try await step(key, from: [.recorded], SQLText.sending, .sending, at: at)
    }

    /// The commit or create is about to leave. It must not leave unless this returned true.
    public func markCommitting(_ key: AttemptKey, at: Timestamp) async throws(RecordError) -> Bool {
        try await guardedTransition(at: at) { transition in
            let (task, attempt) = try await transition.lockLive(key)
            // Only a restart in place has nothing to send first.
            let isReady = attempt.state == .sending || (attempt.isInPlace && attempt.state == .recorded)
            guard task.state == .dispatching, task.intent == .none, isReady else { throw GuardFailed() }
            if attempt.isInPlace { try await transition.takeOverProject(attempt) }
            try await transition.change(SQLText.committing(SQLValue(key.task), SQLValue(key.number), SQLValue(at)))
            try await transition.tell(.committing, of: attempt)
        }
    }

    /// The backend has the task: dispatching → placed. A cancel that was asked for meanwhile stays to be carried out.
    /// - Parameters:
    ///   - key: the attempt.
    ///   - name: what the backend calls the task, where it chooses that itself; nil: as recorded.
    ///   - at: now.
    /// - Returns: false if it isn't committing, or not the live one.
    /// - Throws: `RecordError`.
    public func markAccepted(
        _ key: AttemptKey, as name: BackendTaskID? = nil, at: Timestamp
    ) async throws(RecordError) -> Bool {
        try await guardedTransition(at: at) { transition in
            let (task, attempt) = try await transition.lockLive(key)
            guard task.state == .dispatching, attempt.state == .committing else { throw GuardFailed() }
            try await transition.accept(attempt)
            transition.moved(task, to: .placed)
            guard let name, name != attempt.backendTask else { return }
            try await transition.change(SQLText.rename(SQLValue(key.task), SQLValue(key.number), SQLValue(name)))
        }
    }

    /// An accepted attempt is to be removed from its backend, as unfit: noted before the backend is told, so that whoever finds it
    /// gone there knows why.
    public func markUnfit(_ key: AttemptKey, reason: String, at: Timestamp) async throws(RecordError) -> Bool {
        try await guardedTransition(at: at) { transition in
            let (task, attempt) = try await transition.lockLive(key)
            guard task.intent == .none, attempt.state == .accepted else { throw GuardFailed() }
            try await transition.change(SQLText.unfit(SQLValue(key.task), SQLValue(key.number), .cleaned(reason)))
        }
    }

    /// Gives an attempt another name on its backend, which refused the first one; nothing was committed yet.
    public func rename(_ key: AttemptKey, to name: BackendTaskID, at: Timestamp) async throws(RecordError) -> Bool {
        try await guardedTransition(at: at) { transition in
            let (_, attempt) = try await transition.lockLive(key)
            guard [.recorded, .sending].contains(attempt.state) else { throw GuardFailed() }
            try await transition.change(SQLText.rename(SQLValue(key.task), SQLValue(key.number), SQLValue(name)))
            try await transition.tell(.renamed, of: attempt, "\(attempt.backendTask) was refused; now \(name)")
        }
    }

    /// A placement pass found no free slot for these tasks: they show 10 from now on. The first time is an event.
    public func markWaiting(_ tasks: [TaskID], reason: String, at: Timestamp) async throws(RecordError) {
        try await transition(at: at) { transition in
            // Always in one order, so that two passes at once can't lock each other out.
            for task in tasks.sorted(by: { $0.key < $1.key }) {
                let changed = try await transition.session.execute(SQLText.waiting(SQLValue(task)))
                if changed > 0 { try await transition.tell(.waiting, of: task, reason) }
            }
        }
    }

    /// Whoever carried an attempt out is gone: another gateway goes on with it.
    /// - Returns: the attempt; nil if it is over, or accepted by now.
    public func takeOver(
        _ key: AttemptKey, by carrier: String?, at: Timestamp
    ) async throws(RecordError) -> AttemptRecord? {
        try await guardedTransition(at: at, or: nil) { transition in
            var (_, attempt) = try await transition.lockLive(key)
            guard attempt.state != .accepted else { throw GuardFailed() }
            attempt.carrier = carrier
            try await transition.change(
                SQLText.takeOver(SQLValue(key.task), SQLValue(key.number), .cleaned(carrier)))
            return attempt
        }
    }

    private func step(
        _ key: AttemptKey, from states: [Attempt.State], _ statement: Statement, _ event: EventKind, at: Timestamp
    ) async throws(RecordError) -> Bool {
        try await guardedTransition(at: at) { transition in
            let (_, attempt) = try await transition.lockLive(key)
            guard states.contains(attempt.state) else { throw GuardFailed() }
            try await transition.change(statement(SQLValue(key.task), SQLValue(key.number), SQLValue(at)))
            try await transition.tell(event, of: attempt)
        }
    }

    private enum SQLText {
        static let dispatching = Statement(
            "task.dispatching", "UPDATE tasks SET state = 'dispatching' WHERE id = $1 AND state = 'queued'")
        static let promote = Statement(
            "attempt.promote",
            "UPDATE attempts SET prefetch = 0 WHERE task = $1 AND number = $2 AND state <> 'ended' AND prefetch = 1")
        static let sending = Statement(
            "attempt.sending",
            """
            UPDATE attempts SET state = 'sending', sending_at = $3, copy = 1
            WHERE task = $1 AND number = $2 AND state = 'recorded'
            """)
        static let committing = Statement(
            "attempt.committing",
            """
            UPDATE attempts SET state = 'committing', committing_at = $3, copy = 1
            WHERE task = $1 AND number = $2 AND state IN ('recorded', 'sending')
            """)
        static let unfit = Statement(
            "attempt.unfit",
            "UPDATE attempts SET failure = $3 WHERE task = $1 AND number = $2 AND state = 'accepted'")
        static let takeOver = Statement(
            "attempt.carrier", "UPDATE attempts SET carrier = $3 WHERE task = $1 AND number = $2")
        static let rename = Statement(
            "attempt.rename", "UPDATE attempts SET backend_task = $3 WHERE task = $1 AND number = $2")
        static let waiting = Statement(
            "task.waiting",
            """
            UPDATE tasks SET waiting = 1, revision = revision + 1
            WHERE id = $1 AND state = 'queued' AND waiting = 0 AND fetching = 0
            """)
    }
}

extension TaskRecord {
    /// Whether a backend may be chosen for it now.
    fileprivate var mayBegin: Bool { state == .queued && intent == .none && !isFetching && liveAttempt == nil }
}
