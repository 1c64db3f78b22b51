import Model
import Record
import TestSupport
import Testing

@Suite("Cancel, restart and remove", .timeLimit(.minutes(2)))
struct ControlTests {
    @Test("a queued task is canceled at once, and nobody is told", arguments: ScratchDatabase.all)
    func cancelQueued(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let id = try await fixture.queued("t", webhook: "http://hooks.example.org/")
            let outcome = try await fixture.tasks.requestCancel(id, for: .everything, at: fixture.at(1))
            #expect(outcome == .canceled(interrupted: nil))
            let again = try await fixture.tasks.requestCancel(id, for: .everything, at: fixture.at(2))
            #expect(again == .alreadyCanceled)
            #expect(try await fixture.read(id).shownCode == .canceled)
            #expect(try await fixture.record.webhooks.claim(lease: .seconds(9), limit: 9, at: fixture.at(9)).isEmpty)
        }
    }

    @Test("a cancel before the commit ends the attempt and discards its area", arguments: ScratchDatabase.all)
    func cancelSending(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            for manner in [AttemptManner.fresh, .prefetch] {
                let key = try await fixture.begin(try await fixture.queued("t-\(manner)"), manner)
                _ = try await fixture.tasks.markSending(key, at: fixture.at(1))
                let outcome = try await fixture.tasks.requestCancel(key.task, for: .everything, at: fixture.at(2))
                guard case .canceled(let interrupted?) = outcome else {
                    Issue.record("\(outcome)")
                    return
                }
                #expect(interrupted.key == key)
                #expect(try await !fixture.tasks.markCommitting(key, at: fixture.at(3)))
                let record = try await fixture.read(key.task)
                #expect(record.state == .canceled)
                #expect(record.liveAttempt == nil)
            }
            #expect(
                Set(try await fixture.cleanups(on: RecordFixture.fra))
                    == ["discard t-fresh-1", "discard t-prefetch-1"])
        }
    }

    @Test(
        "a cancel of a placed task shows 50 at once and stays 50 however the run ends", arguments: ScratchDatabase.all)
    func cancelPlaced(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let key = try await fixture.placed("t", webhook: "http://hooks.example.org/")
            for _ in 0..<2 {
                let outcome = try await fixture.tasks.requestCancel(key.task, for: .everything, at: fixture.at(5))
                guard case .pending(let attempt) = outcome else {
                    Issue.record("\(outcome)")
                    return
                }
                #expect(attempt.cancelIsWanted)
            }
            let record = try await fixture.read(key.task)
            #expect(record.state == .placed)
            #expect(record.shownCode == .canceled)
            #expect(try await fixture.tasks.cancelsToCarryOut().map(\.id) == [key.task])
            let end = TaskEnd(code: .completed, progress: 100, processingTime: 4000)
            #expect(try await fixture.tasks.finish(key, end, at: fixture.at(6)) == .ended(.canceled))
            #expect(try await fixture.read(key.task).shownCode == .canceled)
            #expect(try await fixture.tasks.cancelsToCarryOut().isEmpty)
            #expect(try await fixture.record.webhooks.claim(lease: .seconds(9), limit: 9, at: fixture.at(9)).count == 1)
            #expect(try await fixture.kinds(of: key.task).filter { $0 == .cancelRequested }.count == 1)
        }
    }

    @Test("a cancel while the commit's outcome is unknown waits until it is settled", arguments: ScratchDatabase.all)
    func cancelCommitting(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let key = try await fixture.begin(try await fixture.queued("t"))
            _ = try await fixture.tasks.markSending(key, at: fixture.at(1))
            _ = try await fixture.tasks.markCommitting(key, at: fixture.at(2))
            _ = try await fixture.tasks.requestCancel(key.task, for: .everything, at: fixture.at(3))
            #expect(try await fixture.tasks.markAccepted(key, at: fixture.at(4)))
            #expect(try await fixture.read(key.task).shownCode == .canceled)
            #expect(try await fixture.tasks.confirmCancel(key, at: fixture.at(5)) == .ended(.canceled))
            #expect(try await fixture.read(key.task).processingTime == -1)

            let other = try await fixture.begin(try await fixture.queued("u"))
            _ = try await fixture.tasks.markSending(other, at: fixture.at(1))
            _ = try await fixture.tasks.markCommitting(other, at: fixture.at(2))
            _ = try await fixture.tasks.requestCancel(other.task, for: .everything, at: fixture.at(3))
            let disowned = Release(proof: .backendDisowns, reason: "not found")
            #expect(try await fixture.tasks.release(other, disowned, at: fixture.at(4)) == .ended(.canceled))
        }
    }

    @Test("a finished task that is cancelled shows 50", arguments: ScratchDatabase.all)
    func cancelFinished(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let key = try await fixture.placed("t")
            _ = try await fixture.tasks.finish(key, TaskEnd(code: .failed, errorMessage: "x"), at: fixture.at(5))
            let outcome = try await fixture.tasks.requestCancel(key.task, for: .everything, at: fixture.at(6))
            #expect(outcome == .canceled(interrupted: nil))
            #expect(try await fixture.read(key.task).shownCode == .canceled)
        }
    }

    @Test("a restart resets what clients see and counts failures anew", arguments: ScratchDatabase.all)
    func restart(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let tasks = fixture.tasks
            let key = try await fixture.placed("t")
            #expect(try await tasks.requestRestart(key.task, for: .everything, at: fixture.at(4)) == .running)
            let lines = OutputLines(attempt: key, after: 0, lines: ["one", "two"], logCursor: 2)
            #expect(try await tasks.append(lines, at: fixture.at(5)))
            let end = TaskEnd(code: .failed, errorMessage: "broken", progress: 100, processingTime: 4000)
            _ = try await tasks.finish(key, end, at: fixture.at(6))
            #expect(
                try await tasks.requestRestart(key.task, for: .everything, options: "[]", at: fixture.at(7)) == .queued)
            #expect(try await tasks.requestRestart(key.task, for: .everything, at: fixture.at(8)) == .running)
            let record = try await fixture.read(key.task)
            #expect(record.state == .queued)
            #expect(record.options == "[]")
            #expect(record.dateCreated == fixture.at(7))
            #expect(record.progress == 0)
            #expect(record.processingTime == -1)
            #expect(record.errorMessage == nil)
            #expect(record.lineCount == 0)
            #expect(record.run == 2)
            #expect(try await tasks.output(of: key.task, from: 0).isEmpty)
            #expect(try await tasks.queue().first?.project?.key == key)

            let next = try await fixture.begin(key.task, on: RecordFixture.nyc)
            #expect(next.number == 2)
            try await fixture.accept(next)
            #expect(try await fixture.cleanups(on: RecordFixture.fra) == ["remove t-1"])
        }
    }

    @Test("a restart in place keeps the name, and needs the project there", arguments: ScratchDatabase.all)
    func restartInPlace(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let tasks = fixture.tasks
            let key = try await fixture.placed("t")
            _ = try await tasks.finish(key, TaskEnd(code: .completed), at: fixture.at(6))
            let elsewhere = try await tasks.requestRestart(
                key.task, for: .everything, boundTo: RecordFixture.nyc, at: fixture.at(7))
            #expect(elsewhere == .noProject)
            let here = try await tasks.requestRestart(
                key.task, for: .everything, boundTo: RecordFixture.fra, at: fixture.at(7))
            #expect(here == .queued)
            #expect(try await tasks.queue().first?.boundTo == RecordFixture.fra)
            let none = try await tasks.begin(
                key.task, on: RecordFixture.nyc, .inPlace, reason: "", at: fixture.at(8), naming: { _ in .init("x") })
            #expect(none == .noProject)

            let given = try await fixture.begin(key.task, .inPlace)
            #expect(given.number == 2)
            // Given back before anything was sent: the project is still there for the next attempt.
            let drained = Release(proof: .nothingCommitted, reason: "drain")
            #expect(try await tasks.release(given, drained, at: fixture.at(9)) == .queued(failures: 0))
            let again = try await fixture.begin(key.task, .inPlace)
            #expect(again.number == 2)
            #expect(try await fixture.read(key.task).attempt?.backendTask == BackendTaskID("t-1"))
            #expect(try await tasks.markCommitting(again, at: fixture.at(10)))
            #expect(try await tasks.markAccepted(again, at: fixture.at(11)))
            #expect(try await fixture.cleanups(on: RecordFixture.fra).isEmpty)
            #expect(try await tasks.attempts(of: key.task).map(\.mayHaveCopy) == [false, true])
        }
    }

    @Test("a restart in place that was refused gives the project back", arguments: ScratchDatabase.all)
    func projectGivenBack(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let tasks = fixture.tasks
            let key = try await fixture.placed("t")
            _ = try await tasks.finish(key, TaskEnd(code: .completed), at: fixture.at(5))
            _ = try await tasks.requestRestart(
                key.task, for: .everything, boundTo: RecordFixture.fra, at: fixture.at(6))
            for (round, stays) in [true, true, false].enumerated() {
                let again = try await fixture.begin(key.task, .inPlace)
                #expect(again.number == round + 2)
                #expect(try await tasks.markCommitting(again, at: fixture.at(7)))
                let release = Release(proof: .backendDisowns, reason: "not sent", projectStays: stays)
                _ = try await tasks.release(again, release, at: fixture.at(8))
                #expect(try await (tasks.queued("t")?.project?.key == key) == stays)
            }
            let none = try await tasks.begin(key.task, on: RecordFixture.fra, .inPlace, reason: "", at: fixture.at(9)) {
                _ in BackendTaskID("x")
            }
            #expect(none == .noProject)
            #expect(try await fixture.cleanups(on: RecordFixture.fra).isEmpty)
        }
    }

    @Test("a cancel before a restart in place was sent leaves the project where it is", arguments: ScratchDatabase.all)
    func canceledInPlace(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let tasks = fixture.tasks
            let key = try await fixture.placed("t")
            _ = try await tasks.finish(key, TaskEnd(code: .completed), at: fixture.at(5))
            _ = try await tasks.requestRestart(
                key.task, for: .everything, boundTo: RecordFixture.fra, at: fixture.at(6))
            let again = try await fixture.begin(key.task, .inPlace)
            #expect(try await tasks.markSending(again, at: fixture.at(7)))
            _ = try await tasks.requestCancel(key.task, for: .everything, at: fixture.at(8))
            // A clean-up of an area of that name would find the project, and remove it.
            #expect(try await fixture.cleanups(on: RecordFixture.fra).isEmpty)
            #expect(try await tasks.attempts(of: key.task).map(\.mayHaveCopy) == [true, false])
        }
    }

    @Test(
        "a restart during a cancel shows 10 and is queued once the run is known to have ended",
        arguments: ScratchDatabase.all)
    func restartWhileCanceling(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let tasks = fixture.tasks
            let key = try await fixture.placed("t")
            _ = try await tasks.requestCancel(key.task, for: .everything, at: fixture.at(5))
            let outcome = try await tasks.requestRestart(key.task, for: .everything, at: fixture.at(6))
            guard case .afterCancel(let attempt) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(attempt.key == key)
            #expect(try await fixture.read(key.task).shownCode == .queued)
            #expect(try await tasks.queue().isEmpty)
            #expect(try await tasks.cancelsToCarryOut().map(\.id) == [key.task])
            let late = TaskProgress(attempt: key, progress: 50, processingTime: 1, code: .running)
            #expect(try await !tasks.write(late, at: fixture.at(7)))
            #expect(try await tasks.say("Launching", of: key.task, at: fixture.at(7)))
            #expect(try await tasks.confirmCancel(key, at: fixture.at(8)) == .queued(failures: 0))
            #expect(try await tasks.queue().map(\.id) == [key.task])
            #expect(try await fixture.read(key.task).intent == .none)
            #expect(try await tasks.output(of: key.task, from: 0) == ["Launching"])
        }
    }

    @Test("a removed task is gone for clients at once, and its copies are cleaned up", arguments: ScratchDatabase.all)
    func remove(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let tasks = fixture.tasks
            let key = try await fixture.placed("t")
            let outcome = try await tasks.requestRemove(key.task, for: .everything, at: fixture.at(5))
            guard case .removing(let interrupted) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(interrupted?.key == key)
            #expect(try await tasks.requestRemove(key.task, for: .everything, at: fixture.at(6)) == .unknown)
            #expect(try await tasks.record(of: key.task, for: .everything) == nil)
            #expect(try await tasks.list(for: .everything).isEmpty)
            #expect(try await tasks.page(limit: 10).tasks.isEmpty)
            #expect(try await tasks.finish(key, TaskEnd(code: .completed), at: fixture.at(7)) == .lost)
            #expect(try await tasks.removals().map(\.id) == [key.task])
            #expect(try await tasks.delete(key.task, at: fixture.at(8)))
            #expect(try await !tasks.delete(key.task, at: fixture.at(8)))
            #expect(try await tasks.record(of: key.task) == nil)
            #expect(try await fixture.cleanups(on: RecordFixture.fra) == ["remove t-1"])
            // The identity is free again.
            #expect(try await fixture.create("t") == key.task)
            #expect(try await fixture.read(key.task).state == .receiving)
        }
    }

    @Test("a commit without an answer that is removed leaves an unsure clean-up", arguments: ScratchDatabase.all)
    func removeCommitting(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let key = try await fixture.begin(try await fixture.queued("t"))
            _ = try await fixture.tasks.markSending(key, at: fixture.at(1))
            _ = try await fixture.tasks.markCommitting(key, at: fixture.at(2))
            _ = try await fixture.tasks.requestRemove(key.task, for: .everything, at: fixture.at(3))
            let jobs = try await fixture.record.cleanups.due(on: RecordFixture.fra, at: fixture.at(4))
            // There may be an upload area still.
            #expect(Set(jobs.map(\.kind)) == [.discard, .remove])
            #expect(jobs.allSatisfy { $0.isUnsure })
            #expect(try await !fixture.tasks.markAccepted(key, at: fixture.at(5)))
        }
    }

    @Test(
        "what a commit made that may have a twin on its way ends at once, and goes when none can arrive any more",
        arguments: [1, 4, 5, 60])
    func lateAcceptance(seconds: Int64) async throws {
        try await RecordFixture.with(.sqlite) { fixture in
            let key = try await fixture.begin(try await fixture.queued("t"))
            let commit = fixture.at(2)
            _ = try await fixture.tasks.markSending(key, at: fixture.at(1))
            _ = try await fixture.tasks.markCommitting(key, at: commit)
            _ = try await fixture.tasks.markAccepted(key, at: commit + .seconds(seconds))
            _ = try await fixture.tasks.requestRemove(key.task, for: .everything, at: commit + .seconds(100))
            let due = { (after: Int64) in
                try await fixture.record.cleanups.due(on: RecordFixture.fra, at: commit + .seconds(after)).map(\.kind)
            }
            let isDoubtful = seconds >= 5
            #expect(try await due(100) == (isDoubtful ? [.cancel] : [.remove]))
            let atLast = Set(try await due(600))
            #expect(atLast == (isDoubtful ? [.cancel, .remove] : [.remove]))
        }
    }

    @Test("another owner's task can't be seen or changed", arguments: ScratchDatabase.all)
    func owners(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let tasks = fixture.tasks
            let id = try await fixture.queued("t", owner: "a")
            try await fixture.queued("anonymous")
            for scope in [OwnerScope.owner("b"), .owner(nil)] {
                #expect(try await tasks.record(of: id, for: scope) == nil)
                #expect(try await tasks.requestCancel(id, for: scope, at: fixture.at(1)) == .unknown)
                #expect(try await tasks.requestRemove(id, for: scope, at: fixture.at(1)) == .unknown)
                #expect(try await tasks.requestRestart(id, for: scope, at: fixture.at(1)) == .unknown)
            }
            #expect(try await tasks.record(of: fixture.task("T"), for: .owner("a"))?.id == id)
            #expect(try await tasks.list(for: .owner("a")).map(\.key) == ["t"])
            #expect(try await tasks.list(for: .owner(nil)).map(\.key) == ["anonymous"])
            #expect(try await tasks.list(for: .everything).count == 2)
        }
    }

    @Test("a cancel and an end at once end the task once", arguments: ScratchDatabase.all)
    func cancelAgainstEnd(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            try await withThrowingDiscardingTaskGroup { group in
                for index in 0..<50 {
                    group.addTask {
                        let key = try await fixture.placed("t\(index)", webhook: "http://hooks.example.org/")
                        async let canceled = fixture.tasks.requestCancel(
                            key.task, for: .everything, at: fixture.at(5))
                        async let ended = fixture.tasks.finish(key, TaskEnd(code: .completed), at: fixture.at(5))
                        _ = try await (canceled, ended)
                        #expect(try await fixture.read(key.task).state == .canceled)
                    }
                }
            }
            let told = try await fixture.record.webhooks.claim(lease: .seconds(9), limit: 100, at: fixture.at(9))
            #expect(told.count == 50)
        }
    }
}
