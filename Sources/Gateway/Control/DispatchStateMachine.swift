internal import Backends

/// The life of one attempt from its recording to the backend's acceptance, as decisions without I/O.
///
/// Before the commit nothing has started, so every failure gives the task back to the queue. After it only the backend knows,
/// and the outcome is settled by looking: a commit is sent again only where a second one is harmless, and the task leaves the
/// backend only when that is proven to have nothing (rules: *Never twice*).
///
///     recorded → staging → [staged ahead] → committing → accepted
///                   ↓                           ↓ no answer
///                released ← proven absent ← looking ⇄ committing again
struct DispatchStateMachine {
    /// What the caller does next; each has exactly one or two inputs that tell how it went.
    enum Action: Equatable {
        /// Record that the first byte is about to leave → `marked`, `lostClaim`.
        case markSending
        /// Bring the inputs there → `staged`, `stageFailed`.
        case stage
        /// Choose a fresh identity and record it → `marked`, `lostClaim`.
        case renameIdentity
        /// Wait until the task may be committed where it is staged → `promoted`.
        case awaitSlot
        /// Record, durably, that the commit is about to leave → `marked`, `lostClaim`.
        case markCommitting
        /// Send the commit → `committed`, `commitFailed`.
        case commit
        /// Ask whether the backend has the task → `found`, `notFound`, `unreachable`.
        case lookUp
        /// Take the upload area back, which also tells whether a commit had won → `discarded`, `found`, `undecidable`,
        /// `unreachable`.
        case proveAbsent
        /// Record that only an operator can say whether the backend has the task → `held`, `lostClaim`.
        case hold
        /// Pause → `waited`.
        case wait(Duration)
        /// Ask whether the backend still answers /info: only then is a broken transfer the task's fault → `probed`.
        case probe
        /// The backend has the task.
        case accept
        /// Give the task back to the queue.
        case release(Release)
        /// Somebody else decides about this attempt now: a cancel, another holder of the lease.
        case yield
        /// Stop where we are: the program ends; a later start settles it.
        case stop
    }

    /// How a task goes back to the queue.
    struct Release: Equatable {
        /// Whether it counts towards `scheduling.attempts`.
        var isCounted: Bool
        /// Whether the backend leaves the choice for a while.
        var opensCircuit: Bool
        /// Whether this backend is passed over for this task until all others have refused it too.
        var passesOver: Bool
        /// Whether an upload area may be left there.
        var leavesArea: Bool
        /// Whether the task pauses although nothing is counted, and the backend stays in the choice.
        var pauses = false
        /// Whether the project that was to be started again is still there.
        var projectStays = false
        /// Whether a commit that nobody answered may still arrive: what it makes is removed.
        var expectsLateCopy = false
    }

    private enum State: Equatable {
        case recorded
        case staging
        case renaming
        case staged
        case markingCommit
        case committing
        case looking(Look)
        case waiting(then: Look)
        case proving
        case probing
        case over
    }

    /// Why the backend is being looked at.
    private enum Look: Equatable {
        /// After a commit without an answer.
        case afterCommit
        /// The backend doesn't know the upload area any more.
        case afterLostArea
        /// A restart got no answer a while ago, and wasn't there then: it can't come any more.
        case beforeRepeating
        /// The area was taken back a while ago: the last look.
        case afterProof
    }

    private var state = State.recorded
    private let isPrefetch: Bool
    private let mayCommitAgain: Bool
    private let isInPlace: Bool
    private var renames = 0
    private var pauses = 0

    /// - Parameters:
    ///   - isPrefetch: whether the inputs are sent ahead to a busy backend.
    ///   - mayCommitAgain: whether a second commit is harmless: on a plain NodeODM node, whose first commit unlinks the area; never
    ///     on a ClusterODM or another ScaleODM, which would start twice.
    ///   - isInPlace: whether the project of an earlier run is started again, instead of a commit.
    init(isPrefetch: Bool, mayCommitAgain: Bool, isInPlace: Bool = false) {
        self.isPrefetch = isPrefetch
        // A restart that the node is seen not to have made is asked for again.
        self.mayCommitAgain = mayCommitAgain || isInPlace
        self.isInPlace = isInPlace
    }

    /// Begins with a recorded attempt.
    mutating func start() -> Action { .markSending }

    /// Begins with an attempt that an earlier life of the program left committing: its outcome is unknown.
    mutating func resumeCommitting() -> Action {
        state = .looking(.afterCommit)
        return .lookUp
    }

    /// A step of ours is durable.
    mutating func marked() -> Action {
        switch state {
        case .recorded, .renaming:
            state = .staging
            return .stage
        case .markingCommit:
            state = .committing
            return .commit
        case .staging, .staged, .committing, .looking, .waiting, .proving, .probing, .over: return .yield
        }
    }

    /// A step of ours was refused by the record: a cancel, or another holder, came first.
    mutating func lostClaim() -> Action {
        state = .over
        return .yield
    }

    /// The inputs are there.
    mutating func staged() -> Action {
        if isPrefetch {
            state = .staged
            return .awaitSlot
        }
        state = .markingCommit
        return .markCommitting
    }

    /// A slot is free for what was staged ahead.
    mutating func promoted() -> Action {
        state = .markingCommit
        return .markCommitting
    }

    /// The inputs didn't get there.
    mutating func stageFailed(_ code: BackendError.Code) -> Action {
        switch code {
        case .identityRefused where renames == 0:
            renames += 1
            state = .renaming
            return .renameIdentity
        case .outcomeUnknown:
            state = .probing
            return .probe
        case .cancelled: return end(.stop)
        case .refused: return end(.release(Release(code, leavesArea: false)))
        case .uploadLost: return end(.release(Release(code, leavesArea: false)))
        case .notSent, .busy, .unauthorized, .unknownTask, .identityRefused, .malformedAnswer, .inputsUnreadable,
            .inputsMissing:
            return end(.release(Release(code, leavesArea: true)))
        }
    }

    /// After a broken transfer: a backend that still answers broke it for this task's own reasons.
    mutating func probed(answers: Bool) -> Action {
        end(.release(Release(isCounted: answers, opensCircuit: !answers, passesOver: answers, leavesArea: true)))
    }

    /// The backend took the commit.
    mutating func committed() -> Action { end(.accept) }

    /// The commit was refused, or got no answer.
    mutating func commitFailed(_ code: BackendError.Code) -> Action {
        switch code {
        // The project is gone, so nothing was started: the task goes back to be sent anew.
        case .unknownTask where isInPlace:
            return end(.release(Release(isCounted: false, opensCircuit: false, passesOver: false, leavesArea: false)))
        case .outcomeUnknown, .malformedAnswer, .unknownTask:
            state = .looking(.afterCommit)
            // The first doubt is settled at once; a backend that goes on raising it isn't asked in a tight loop.
            return pauses == 0 ? .lookUp : unreachable()
        case .uploadLost: return look(.afterLostArea)
        case .cancelled: return end(.stop)
        case .notSent, .refused, .busy, .unauthorized, .identityRefused, .inputsUnreadable, .inputsMissing:
            return pauses > 0 ? doubtful(code) : refused(code)
        }
    }

    /// A first commit failed, and nothing of it can be on its way.
    private mutating func refused(_ code: BackendError.Code) -> Action {
        // Who refuses *this task* deletes its area; who had no time for the call, or didn't let us in, has it still.
        let hasArea = code == .notSent || code == .unauthorized || code == .busy
        var release = Release(code, leavesArea: !isInPlace && hasArea)
        release.projectStays = isInPlace
        return end(.release(release))
    }

    /// A second commit failed, which says nothing about the first: that may still be on its way, or be the very reason.
    private mutating func doubtful(_ code: BackendError.Code) -> Action {
        switch code {
        case .busy where !isInPlace:
            state = .proving
            return .proveAbsent
        // A node refuses to start again what runs; and what it refuses for good needn't be asked once more.
        case .refused where isInPlace:
            state = .waiting(then: .afterProof)
            return .wait(Self.lateArrival)
        case .refused: return look(.afterLostArea)
        default:
            state = .looking(.afterCommit)
            return unreachable()
        }
    }

    /// Asked so long after the last doubt, a backend that doesn't have the task won't get it.
    private static let lateArrival = Duration.seconds(10)

    /// The backend has the task.
    mutating func found() -> Action { end(.accept) }

    /// The backend answers, and says that it doesn't have the task.
    mutating func notFound() -> Action {
        guard case .looking(let look) = state else { return .yield }
        switch look {
        // Two restarts in a row are two runs: the first must have had its time.
        case .afterCommit where isInPlace:
            state = .waiting(then: .beforeRepeating)
            return .wait(Self.lateArrival)
        case .afterCommit where mayCommitAgain, .beforeRepeating:
            pauses += 1
            state = .committing
            return .commit
        case .afterCommit, .afterLostArea:
            state = .proving
            return .proveAbsent
        case .afterProof:
            var release = Release(isCounted: false, opensCircuit: false, passesOver: false, leavesArea: false)
            // What is there under a project's name isn't a copy that came late.
            (release.expectsLateCopy, release.projectStays) = (!isInPlace, isInPlace)
            if isInPlace { release.isCounted = true }
            return end(.release(release))
        }
    }

    /// The area is taken back; a commit on its way could still arrive, so the backend is looked at once more.
    mutating func discarded() -> Action {
        state = .waiting(then: .afterProof)
        return .wait(Self.lateArrival)
    }

    /// A commit may have won, and nobody can tell: the task stays where it may be running.
    mutating func undecidable() -> Action { state == .proving ? .hold : .yield }

    /// It is recorded that the task waits for an operator. What arrives late is still found.
    mutating func held() -> Action { unreachable() }

    /// Nothing can be learnt now.
    mutating func unreachable() -> Action {
        let look: Look
        switch state {
        case .looking(let current): look = current
        case .proving: look = .afterLostArea
        case .recorded, .staging, .renaming, .staged, .markingCommit, .committing, .waiting, .probing, .over:
            return .yield
        }
        state = .waiting(then: look)
        let pause = min(60, 5 << min(pauses, 4))
        pauses += 1
        return .wait(.seconds(pause))
    }

    /// The pause is over.
    mutating func waited() -> Action {
        guard case .waiting(let look) = state else { return .yield }
        return self.look(look)
    }

    private mutating func look(_ look: Look) -> Action {
        state = .looking(look)
        return .lookUp
    }

    private mutating func end(_ action: Action) -> Action {
        state = .over
        return action
    }
}

extension DispatchStateMachine.Release {
    /// What the rules say of a failure before the task was accepted.
    init(_ code: BackendError.Code, leavesArea: Bool) {
        self.init(
            isCounted: code.isCounted, opensCircuit: code.opensCircuit, passesOver: code.isCounted,
            leavesArea: leavesArea, pauses: !code.isCounted && !code.opensCircuit)
    }
}
