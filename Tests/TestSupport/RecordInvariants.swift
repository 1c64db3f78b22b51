internal import Model
public import Record

/// What must be true of the record after any step, whoever made it.
public enum RecordInvariants {
    /// What is wrong with a task, in words; empty where nothing is.
    public static func violations(of task: TaskRecord, _ attempts: [AttemptRecord]) -> [String] {
        var violations: [String] = []
        func require(_ holds: Bool, _ what: String) {
            if !holds { violations.append("\(task.id) \(task.state)/\(task.intent): \(what)") }
        }
        let live = attempts.filter(\.isLive)
        require(live.count <= 1, "\(live.count) live attempts")
        require(live.first == task.liveAttempt, "the live attempt isn't the current one")
        require(attempts.map(\.attempt.number) == Array(1..<(task.lastAttempt + 1)), "numbers have a gap")
        require(task.state.isFinal == (task.endedAt != nil), "endedAt doesn't fit")
        require((task.committedAt == nil) <= (task.state == .receiving || task.intent == .remove), "not committed")
        require(attempts.allSatisfy { $0.isLive == ($0.outcome == nil) }, "an outcome doesn't fit its state")
        require(attempts.allSatisfy { !$0.isLive || !$0.isFenced }, "a live attempt is fenced")
        require(attempts.allSatisfy { $0.isLive || !$0.cancelIsWanted }, "an ended attempt is to be cancelled")
        require(attempts.allSatisfy { $0.sendingAt != nil || $0.committingAt != nil || !$0.mayHaveCopy }, "copy unsent")
        checkState(task, live.first, require)
        checkIntent(task, live.first, require)
        return violations
    }

    private static func checkState(
        _ task: TaskRecord, _ live: AttemptRecord?, _ require: (Bool, String) -> Void
    ) {
        switch task.state {
        case .queued:
            require(live.map { $0.isPrefetch } ?? true, "a queued task's attempt isn't a prefetch")
            require(live.map { [.recorded, .sending].contains($0.state) } ?? true, "a prefetch went too far")
        case .dispatching:
            require(live.map { [.recorded, .sending, .committing].contains($0.state) } ?? false, "nothing dispatched")
            require(live?.isPrefetch == false, "a dispatched attempt is a prefetch")
        case .placed: require(live?.state == .accepted, "nothing accepted")
        case .receiving, .completed, .failed, .canceled: require(live == nil, "a live attempt")
        }
    }

    private static func checkIntent(
        _ task: TaskRecord, _ live: AttemptRecord?, _ require: (Bool, String) -> Void
    ) {
        switch task.intent {
        case .none:
            require(
                live?.cancelIsWanted == live?.isMoving, "a cancel that nobody wants, or a move that nothing carries out"
            )
        case .cancel, .restart:
            require(live?.cancelIsWanted == true, "a wish that nothing carries out")
            require([.committing, .accepted].contains(live?.state), "a wish that needn't wait")
        case .remove: require(task.state.isFinal, "a removed task that isn't over")
        }
    }
}

extension Bool {
    /// Logical implication.
    fileprivate static func <= (left: Bool, right: Bool) -> Bool { !left || right }
}
