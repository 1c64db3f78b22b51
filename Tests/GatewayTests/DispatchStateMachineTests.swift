import Backends
import Testing

@testable import Gateway

@Suite("Dispatch state machine")
struct DispatchStateMachineTests {
    private typealias Release = DispatchStateMachine.Release

    /// A machine whose commit has just been sent.
    private func committing(mayCommitAgain: Bool = true) -> DispatchStateMachine {
        var dispatch = DispatchStateMachine(isPrefetch: false, mayCommitAgain: mayCommitAgain)
        #expect(dispatch.start() == .markSending)
        #expect(dispatch.marked() == .stage)
        #expect(dispatch.staged() == .markCommitting)
        #expect(dispatch.marked() == .commit)
        return dispatch
    }

    @Test("an attempt is recorded as sending before the inputs leave, and as committing before the commit does")
    func order() {
        var dispatch = committing()
        #expect(dispatch.committed() == .accept)
    }

    @Test("what was staged ahead waits for a slot before it is committed")
    func prefetch() {
        var dispatch = DispatchStateMachine(isPrefetch: true, mayCommitAgain: true)
        _ = dispatch.start()
        _ = dispatch.marked()
        #expect(dispatch.staged() == .awaitSlot)
        #expect(dispatch.promoted() == .markCommitting)
    }

    @Test("a refusal of the task counts, passes the backend over, and leaves its circuit closed")
    func refusal() {
        var dispatch = DispatchStateMachine(isPrefetch: false, mayCommitAgain: true)
        _ = dispatch.start()
        _ = dispatch.marked()
        let expected = Release(isCounted: true, opensCircuit: false, passesOver: true, leavesArea: false)
        #expect(dispatch.stageFailed(.refused) == .release(expected))
    }

    @Test(
        "trouble of the backend before the commit doesn't count and opens its circuit",
        arguments: [BackendError.Code.notSent, .busy, .unauthorized, .malformedAnswer])
    func backendTrouble(code: BackendError.Code) {
        var dispatch = DispatchStateMachine(isPrefetch: false, mayCommitAgain: true)
        _ = dispatch.start()
        _ = dispatch.marked()
        let expected = Release(isCounted: false, opensCircuit: true, passesOver: false, leavesArea: true)
        #expect(dispatch.stageFailed(code) == .release(expected))
    }

    @Test("a broken transfer counts only if the backend still answers", arguments: [true, false])
    func brokenTransfer(answers: Bool) {
        var dispatch = DispatchStateMachine(isPrefetch: false, mayCommitAgain: true)
        _ = dispatch.start()
        _ = dispatch.marked()
        #expect(dispatch.stageFailed(.outcomeUnknown) == .probe)
        let expected = Release(isCounted: answers, opensCircuit: !answers, passesOver: answers, leavesArea: true)
        #expect(dispatch.probed(answers: answers) == .release(expected))
    }

    @Test("a refused identity is changed once; a second refusal gives the task back uncounted")
    func identity() {
        var dispatch = DispatchStateMachine(isPrefetch: false, mayCommitAgain: true)
        _ = dispatch.start()
        _ = dispatch.marked()
        #expect(dispatch.stageFailed(.identityRefused) == .renameIdentity)
        #expect(dispatch.marked() == .stage)
        guard case .release(let release) = dispatch.stageFailed(.identityRefused) else {
            Issue.record("not released")
            return
        }
        #expect(!release.isCounted)
    }

    @Test("a lost commit answer is settled by looking, and committed again where that is harmless")
    func lostCommit() {
        var dispatch = committing()
        #expect(dispatch.commitFailed(.outcomeUnknown) == .lookUp)
        #expect(dispatch.notFound() == .commit)
        #expect(dispatch.committed() == .accept)
    }

    @Test("a lost commit answer whose task is found is accepted, never started again")
    func lostCommitFound() {
        var dispatch = committing()
        #expect(dispatch.commitFailed(.outcomeUnknown) == .lookUp)
        #expect(dispatch.found() == .accept)
    }

    @Test("a ClusterODM never gets a second commit: its absence is proven instead")
    func clusterNeverTwice() {
        var dispatch = committing(mayCommitAgain: false)
        #expect(dispatch.commitFailed(.outcomeUnknown) == .lookUp)
        #expect(dispatch.notFound() == .proveAbsent)
    }

    @Test("a task leaves its backend only when that has nothing, ten seconds after its area was taken back")
    func proof() {
        var dispatch = committing()
        #expect(dispatch.commitFailed(.uploadLost) == .lookUp)
        #expect(dispatch.notFound() == .proveAbsent)
        #expect(dispatch.discarded() == .wait(.seconds(10)))
        #expect(dispatch.waited() == .lookUp)
        var expected = Release(isCounted: false, opensCircuit: false, passesOver: false, leavesArea: false)
        expected.expectsLateCopy = true
        #expect(dispatch.notFound() == .release(expected))
    }

    @Test("a copy that turns up during the proof is accepted")
    func proofFails() {
        var dispatch = committing()
        _ = dispatch.commitFailed(.uploadLost)
        _ = dispatch.notFound()
        _ = dispatch.discarded()
        _ = dispatch.waited()
        #expect(dispatch.found() == .accept)
    }

    @Test("a backend that can't be asked is asked again, 5 s doubling to 60 s, and the task stays there")
    func unreachable() {
        var dispatch = committing()
        #expect(dispatch.commitFailed(.outcomeUnknown) == .lookUp)
        for pause in [5, 10, 20, 40, 60, 60] {
            #expect(dispatch.unreachable() == .wait(.seconds(pause)))
            #expect(dispatch.waited() == .lookUp)
        }
        #expect(dispatch.found() == .accept)
    }

    @Test(
        "a second commit without effect says nothing of the first, which is looked for at growing intervals",
        arguments: [BackendError.Code.notSent, .unauthorized])
    func secondCommitWithoutEffect(code: BackendError.Code) {
        var dispatch = committing()
        _ = dispatch.commitFailed(.outcomeUnknown)
        for pause in [10, 40, 60] {
            #expect(dispatch.notFound() == .commit)
            #expect(dispatch.commitFailed(code) == .wait(.seconds(pause)))
            #expect(dispatch.waited() == .lookUp)
        }
        #expect(dispatch.found() == .accept)
    }

    @Test("a second commit that finds the backend full leaves it, once the first is proven to have come to nothing")
    func secondCommitBusy() {
        var dispatch = committing()
        _ = dispatch.commitFailed(.outcomeUnknown)
        _ = dispatch.notFound()
        #expect(dispatch.commitFailed(.busy) == .proveAbsent)
        #expect(dispatch.discarded() == .wait(.seconds(10)))
    }

    @Test("a second restart in place that finds the backend full is no reason to take its project away")
    func secondRestartBusy() {
        var dispatch = DispatchStateMachine(isPrefetch: false, mayCommitAgain: true, isInPlace: true)
        #expect(dispatch.resumeCommitting() == .lookUp)
        #expect(dispatch.notFound() == .wait(.seconds(10)))
        #expect(dispatch.waited() == .lookUp)
        #expect(dispatch.notFound() == .commit)
        #expect(dispatch.commitFailed(.busy) == .wait(.seconds(10)))
    }

    @Test(
        "a commit that had no effect gives the task back, and its upload area is taken back",
        arguments: [BackendError.Code.notSent, .unauthorized, .busy])
    func commitWithoutEffect(code: BackendError.Code) {
        var dispatch = committing()
        let expected = Release(isCounted: false, opensCircuit: true, passesOver: false, leavesArea: true)
        #expect(dispatch.commitFailed(code) == .release(expected))
    }

    @Test("a second commit that is refused gives the task back only once the first is proven absent")
    func refusedInDoubt() {
        var dispatch = committing()
        _ = dispatch.commitFailed(.outcomeUnknown)
        _ = dispatch.notFound()
        #expect(dispatch.commitFailed(.refused) == .lookUp)
        #expect(dispatch.notFound() == .proveAbsent)
        #expect(dispatch.discarded() == .wait(.seconds(10)))
    }

    @Test("a second restart in place that is refused, since the first one runs, is accepted", arguments: [true, false])
    func restartRunsAlready(isThere: Bool) {
        var dispatch = DispatchStateMachine(isPrefetch: false, mayCommitAgain: true, isInPlace: true)
        #expect(dispatch.resumeCommitting() == .lookUp)
        #expect(dispatch.notFound() == .wait(.seconds(10)))
        #expect(dispatch.waited() == .lookUp)
        #expect(dispatch.notFound() == .commit)
        #expect(dispatch.commitFailed(.refused) == .wait(.seconds(10)))
        #expect(dispatch.waited() == .lookUp)
        var expected = Release(isCounted: true, opensCircuit: false, passesOver: false, leavesArea: false)
        expected.projectStays = true
        #expect((isThere ? dispatch.found() : dispatch.notFound()) == (isThere ? .accept : .release(expected)))
    }

    @Test("a restart in place without an answer isn't repeated before the first has had its time to arrive")
    func lateRestart() {
        var dispatch = DispatchStateMachine(isPrefetch: false, mayCommitAgain: true, isInPlace: true)
        _ = dispatch.start()
        _ = dispatch.marked()
        _ = dispatch.staged()
        _ = dispatch.marked()
        #expect(dispatch.commitFailed(.outcomeUnknown) == .lookUp)
        #expect(dispatch.notFound() == .wait(.seconds(10)))
        #expect(dispatch.waited() == .lookUp)
        #expect(dispatch.found() == .accept)
    }

    @Test("an attempt left committing by an earlier life begins by looking")
    func resumed() {
        var dispatch = DispatchStateMachine(isPrefetch: false, mayCommitAgain: true)
        #expect(dispatch.resumeCommitting() == .lookUp)
        #expect(dispatch.notFound() == .commit)
    }

    @Test("a restart in place whose project is gone gives the task back, to be sent anew")
    func projectGone() {
        var dispatch = DispatchStateMachine(isPrefetch: false, mayCommitAgain: true, isInPlace: true)
        _ = dispatch.start()
        _ = dispatch.marked()
        #expect(dispatch.staged() == .markCommitting)
        #expect(dispatch.marked() == .commit)
        let expected = Release(isCounted: false, opensCircuit: false, passesOver: false, leavesArea: false)
        #expect(dispatch.commitFailed(.unknownTask) == .release(expected))
    }

    @Test("a backend that answers nonsense to every commit is asked at growing intervals, not in a tight loop")
    func commitNonsense() {
        var dispatch = committing()
        #expect(dispatch.commitFailed(.malformedAnswer) == .lookUp)
        #expect(dispatch.notFound() == .commit)
        #expect(dispatch.commitFailed(.malformedAnswer) == .wait(.seconds(10)))
        #expect(dispatch.waited() == .lookUp)
        #expect(dispatch.notFound() == .commit)
        #expect(dispatch.commitFailed(.malformedAnswer) == .wait(.seconds(40)))
    }

    @Test("a claim that was lost to a cancel sends nothing more")
    func lostClaim() {
        var dispatch = DispatchStateMachine(isPrefetch: false, mayCommitAgain: true)
        _ = dispatch.start()
        #expect(dispatch.lostClaim() == .yield)
    }
}
