internal import Model
internal import Observability
internal import Record
internal import Scheduling

/// Single tasks that an operator takes off their backend (rules: *Never twice*, a and c).
extension Dispatcher {
    /// What became of the wish to move a task.
    enum Moving: Sendable, Equatable {
        /// It is recorded, and carried out by whoever has the task.
        case begun
        /// Nothing is changed, for this reason.
        case refused(String)
        /// There is no such task.
        case unknown
    }

    /// Takes a task off its backend, so that it is placed elsewhere. What hasn't been committed there goes at once; a run is ended
    /// first, and seen to have ended.
    /// - Parameters:
    ///   - id: a task that isn't over.
    ///   - target: where it is to go; nil: wherever the policy chooses, but not where it is.
    /// - Returns: what became of it.
    /// - Throws: `RecordError`.
    func move(_ id: TaskID, to target: BackendName?) async throws(RecordError) -> Moving {
        guard let record = try await parts.store.record(of: id), record.intent != .remove else { return .unknown }
        if let refusal = try await refusal(of: record, to: target) { return .refused(refusal) }
        let backend = record.liveAttempt?.backend
        let reason = "an operator moves it \(target.map { "to \($0)" } ?? "away from \(backend?.string ?? "there")")"
        let outcome = try await parts.store.requestMove(
            id, from: record.liveAttempt?.key, passingOver: passedOver(record, to: target).sorted(),
            by: parts.duties.carrier, reason: reason, at: now)
        switch outcome {
        case .refused(.unknown): return .unknown
        case .refused(let refusal): return .refused(Self.text(of: refusal))
        case .queued: stop(id, because: reason)
        case .pending: break
        }
        await parts.refresh(id)
        parts.logger.info(
            "task moved",
            ["task": .string(id.string), "from": .string(backend?.string ?? ""), "reason": .string(reason)])
        for wakeUp in [parts.placement, parts.cleaning] { wakeUp.wake() }
        return .begun
    }

    /// The backends that are passed over for the task from now on: all but the target, or the one that it leaves.
    ///
    /// That is a preference as after a refusal: where none of the others can take the task any more, it goes where it can.
    private func passedOver(_ record: TaskRecord, to target: BackendName?) -> Set<BackendName> {
        guard let target else { return Set(record.passedOver + [record.liveAttempt?.backend].compactMap { $0 }) }
        return Set(parts.fleet.members.map(\.name)).subtracting([target])
    }

    /// Why a task had better stay where it is.
    private func refusal(of record: TaskRecord, to target: BackendName?) async throws(RecordError) -> String? {
        // What the record refuses it refuses in its own words.
        guard record.isCommitted, !record.state.isFinal, record.intent == .none, record.boundTo == nil,
            record.attempt?.isHeld != true
        else { return nil }
        let backend = record.liveAttempt?.backend
        if let backend, backend == target { return "The task is on \(backend) already." }
        guard let place = target ?? backend else {
            return "The task waits for a backend, and is on none: name the one that it is to go to."
        }
        guard parts.fleet.member(place) != nil else { return "There is no backend \(place)." }
        if let attempt = record.liveAttempt, attempt.state == .committing || attempt.state == .accepted,
            let silence = silence(of: attempt.backend)
        {
            return "Nobody can tell whether the task still runs there, since \(silence)."
        }
        return try await refusal(ofPlacesFor: record, to: target)
    }

    /// Why no backend that is meant can take a task, now or soon.
    private func refusal(
        ofPlacesFor record: TaskRecord, to target: BackendName?
    ) async throws(RecordError) -> String? {
        let ranking = try await rank(record, passingOver: passedOver(record, to: target))
        let wanted = ranking.candidates.filter { candidate in
            target.map { $0 == candidate.backend } ?? (candidate.backend != record.liveAttempt?.backend)
        }
        if wanted.contains(where: \.isWorthWaitingFor) { return nil }
        let reasons = wanted.map { "\($0.backend) \($0.text)" }.joined(separator: "; ")
        if target != nil { return "The task can't go there: \(reasons)." }
        return reasons.isEmpty ? "There is no other backend." : "No other backend can take the task: \(reasons)."
    }

    /// Since when a backend is silent, and what to do about it; nil where it answers.
    private func silence(of name: BackendName) -> String? {
        guard let member = parts.fleet.member(name) else { return "\(name) is not listed here" }
        if member.isOnline(offlineAfter: parts.fleet.offlineAfter) { return nil }
        let since = member.offlineSince(offlineAfter: parts.fleet.offlineAfter, parts.clock)
        return "\(since ?? "\(name) was not read yet"): \(member.offlineAdvice)"
    }

    private static func text(of refusal: MoveRefusal) -> String {
        switch refusal {
        case .unknown: "There is no such task."
        case .receiving: "The files of the task are still arriving."
        case .over(let state): "The task is over: it is \(state.rawValue)."
        case .ending: "The task leaves its backend already: it is being cancelled or restarted."
        case .wentOn: "The task has gone on meanwhile; look where it is now."
        case .sentByAnother(let backend):
            "Another gateway is just sending the task to \(backend), and only that one can stop; try again in a moment."
        case .held(let backend):
            "Nobody can tell whether \(backend) has the task; look there, and if it hasn't, retry the task here."
        case .bound(let backend): "The task goes on with a project that only \(backend) holds."
        case .inputsExpired: "The images of the task were removed, so that it can't be sent again."
        }
    }
}
