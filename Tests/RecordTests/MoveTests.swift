import Model
import Record
import TestSupport
import Testing

/// What an operator takes off a backend (rules: *Never twice*, a and c).
@Suite("Moves", .timeLimit(.minutes(2)))
struct MoveTests {
    /// Asks for a move away from where the task is.
    private static func move(
        _ task: TaskID, in fixture: RecordFixture, passingOver: [BackendName] = [RecordFixture.fra],
        by carrier: String? = nil, at moment: Int64 = 10
    ) async throws -> MoveOutcome {
        try await fixture.tasks.requestMove(
            task, from: try await fixture.read(task).liveAttempt?.key, passingOver: passingOver, by: carrier,
            reason: "an operator moves it", at: fixture.at(moment))
    }

    @Test(
        "what only waits is passed over by those backends from then on, and keeps its age",
        arguments: ScratchDatabase.all)
    func waiting(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let id = try await fixture.queued("t", at: 5)
            #expect(try await Self.move(id, in: fixture) == .queued(interrupted: nil))
            let task = try await fixture.read(id)
            #expect(task.state == .queued && task.passedOver == [RecordFixture.fra] && task.queuedAt == fixture.at(5))
            #expect(try await fixture.kinds(of: id).last == .moveRequested)
        }
    }

    @Test(
        "inputs on their way are given up at once, uncounted, and their area discarded", arguments: ScratchDatabase.all)
    func sending(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            for manner in [AttemptManner.fresh, .prefetch] {
                let key = try await fixture.begin(try await fixture.queued("t-\(manner)"), manner)
                _ = try await fixture.tasks.markSending(key, at: fixture.at(1))
                guard case .queued(let interrupted?) = try await Self.move(key.task, in: fixture) else {
                    Issue.record("not given up")
                    return
                }
                #expect(interrupted.key == key)
                #expect(try await !fixture.tasks.markCommitting(key, at: fixture.at(11)))
                let task = try await fixture.read(key.task)
                #expect(task.state == .queued && task.liveAttempt == nil && task.failures == 0)
                #expect(try await fixture.tasks.queued(key.task.key)?.passedOver == [RecordFixture.fra])
            }
            #expect(
                Set(try await fixture.cleanups(on: RecordFixture.fra))
                    == ["discard t-fresh-1", "discard t-prefetch-1"])
        }
    }

    @Test(
        "a run is queued once its end is seen, and its copy removed once another backend has the task",
        arguments: ScratchDatabase.all)
    func placed(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let key = try await fixture.placed("t", webhook: "http://hooks.example.org/")
            guard case .pending(let attempt) = try await Self.move(key.task, in: fixture) else {
                Issue.record("not marked")
                return
            }
            #expect(attempt.key == key && attempt.isMoving && attempt.cancelIsWanted)
            var task = try await fixture.read(key.task)
            #expect(task.state == .placed && task.shownCode == .running && task.attempt?.isMoving == true)
            #expect(try await fixture.tasks.cancelsToCarryOut().map(\.id) == [key.task])
            #expect(
                try await fixture.tasks.queueIndex().isEmpty, "nothing is placed while the run isn't seen to have ended"
            )

            #expect(try await fixture.tasks.confirmCancel(key, at: fixture.at(20)) == .queued(failures: 0))
            task = try await fixture.read(key.task)
            #expect(task.state == .queued && task.passedOver == [RecordFixture.fra] && task.endedAt == nil)
            #expect(try await fixture.tasks.attempts(of: key.task).map(\.outcome) == [.released])
            #expect(try await fixture.record.webhooks.claim(lease: .seconds(9), limit: 9, at: fixture.at(30)).isEmpty)
            #expect(try await fixture.tasks.confirmCancel(key, at: fixture.at(21)) == .lost)

            let next = try await fixture.begin(key.task, on: RecordFixture.nyc, at: 40)
            try await fixture.accept(next)
            #expect(next.number == 2)
            #expect(try await fixture.cleanups(on: RecordFixture.fra) == ["remove t-1"])
            #expect(try await fixture.read(key.task).attempt?.isMoving == false)
        }
    }

    @Test(
        "an end of the run's own is the task's: it isn't run again",
        arguments: ScratchDatabase.all, [StatusCode.completed, .failed])
    func ownEnd(scratch: ScratchDatabase, code: StatusCode) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let key = try await fixture.placed("t")
            _ = try await Self.move(key.task, in: fixture)
            let end = TaskEnd(code: code, errorMessage: code == .failed ? "broken" : nil)
            let state = code == .failed ? TaskState.failed : .completed
            #expect(try await fixture.tasks.finish(key, end, at: fixture.at(20)) == .ended(state))
            #expect(try await fixture.tasks.queueIndex().isEmpty)
            #expect(try await Self.move(key.task, in: fixture) == .refused(.over(state)))
        }
    }

    @Test("a commit whose outcome is unknown is settled first", arguments: ScratchDatabase.all)
    func committing(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let accepted = try await fixture.begin(try await fixture.queued("accepted"))
            let disowned = try await fixture.begin(try await fixture.queued("disowned"))
            for key in [accepted, disowned] {
                _ = try await fixture.tasks.markSending(key, at: fixture.at(1))
                _ = try await fixture.tasks.markCommitting(key, at: fixture.at(2))
                guard case .pending = try await Self.move(key.task, in: fixture) else {
                    Issue.record("not marked")
                    return
                }
            }
            #expect(try await fixture.tasks.markAccepted(accepted, at: fixture.at(11)))
            #expect(try await fixture.tasks.confirmCancel(accepted, at: fixture.at(12)) == .queued(failures: 0))
            let release = Release(proof: .backendDisowns, reason: "not found")
            #expect(try await fixture.tasks.release(disowned, release, at: fixture.at(12)) == .queued(failures: 0))
            for key in [accepted, disowned] {
                #expect(try await fixture.read(key.task).passedOver == [RecordFixture.fra])
            }
        }
    }

    @Test("what its owner asks for afterwards goes before the move", arguments: ScratchDatabase.all)
    func cancelled(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let key = try await fixture.placed("t")
            _ = try await Self.move(key.task, in: fixture)
            _ = try await fixture.tasks.requestCancel(key.task, for: .everything, at: fixture.at(11))
            #expect(try await Self.move(key.task, in: fixture) == .refused(.ending))
            #expect(try await fixture.tasks.confirmCancel(key, at: fixture.at(12)) == .ended(.canceled))
        }
    }

    @Test("what was fenced while it was to be moved isn't taken back", arguments: ScratchDatabase.all)
    func fenced(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let key = try await fixture.placed("t")
            _ = try await Self.move(key.task, in: fixture)
            #expect(try await fixture.tasks.fence(key, reason: "silent", at: fixture.at(11)) == .queued(failures: 0))
            #expect(try await fixture.tasks.fenced(on: RecordFixture.fra).isEmpty)
            #expect(try await fixture.cleanups(on: RecordFixture.fra) == ["remove t-1"])
        }
    }

    @Test("why a task can't be moved", arguments: ScratchDatabase.all)
    func refusals(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let upload = try await fixture.create("upload")
            #expect(try await Self.move(upload, in: fixture) == .refused(.receiving))
            let missing = try await fixture.tasks.requestMove(
                fixture.task("missing"), from: nil, passingOver: [], by: nil, reason: "", at: fixture.at(1))
            #expect(missing == .refused(.unknown))

            let id = try await fixture.queued("t")
            let outcome = try await fixture.tasks.begin(
                id, on: RecordFixture.fra, reason: "free slot", at: fixture.at(1), carrier: "another"
            ) { BackendTaskID("t-\($0)") }
            guard case .begun(let attempt) = outcome else {
                Issue.record("not begun")
                return
            }
            #expect(try await Self.move(id, in: fixture, by: "us") == .refused(.sentByAnother(RecordFixture.fra)))
            // What was seen isn't there any more.
            let late = try await fixture.tasks.requestMove(
                id, from: nil, passingOver: [], by: "another", reason: "", at: fixture.at(2))
            #expect(late == .refused(.wentOn))
            try await fixture.accept(attempt.key)
            guard case .pending = try await Self.move(id, in: fixture, by: "us") else {
                Issue.record("a run may be moved by any gateway")
                return
            }

            let held = try await fixture.begin(try await fixture.queued("held"))
            _ = try await fixture.tasks.markSending(held, at: fixture.at(1))
            _ = try await fixture.tasks.markCommitting(held, at: fixture.at(2))
            _ = try await fixture.tasks.hold(held, reason: "nobody can tell", at: fixture.at(3))
            #expect(try await Self.move(held.task, in: fixture) == .refused(.held(RecordFixture.fra)))
        }
    }

    @Test(
        "of a move and an end at once one comes first, and the task runs once or is over",
        arguments: ScratchDatabase.all)
    func moveAndEnd(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            for number in 0..<12 {
                let key = try await fixture.placed("t\(number)")
                let outcomes = try await race(2) { index in
                    if index == number % 2 {
                        _ = try await fixture.tasks.finish(key, .init(code: .completed), at: fixture.at(10))
                        return true
                    }
                    return try await Self.move(key.task, in: fixture) != .refused(.over(.completed))
                }
                #expect(outcomes.count == 2)
                let task = try await fixture.read(key.task)
                #expect(task.state == .completed && task.liveAttempt == nil)
                #expect(try await fixture.tasks.confirmCancel(key, at: fixture.at(20)) == .lost)
            }
        }
    }

    @Test("of two moves at once that saw the same inputs on their way one is done", arguments: ScratchDatabase.all)
    func twoMoves(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let key = try await fixture.begin(try await fixture.queued("t"))
            _ = try await fixture.tasks.markSending(key, at: fixture.at(1))
            let outcomes = try await race(2) { _ in
                try await fixture.tasks.requestMove(
                    key.task, from: key, passingOver: [RecordFixture.fra], by: nil, reason: "away", at: fixture.at(10))
            }
            #expect(outcomes.count { $0 == .refused(.wentOn) } == 1)
            #expect(try await fixture.kinds(of: key.task).count { $0 == .moveRequested } == 1)
        }
    }

    @Test("of two restarts at once one is done", arguments: ScratchDatabase.all)
    func twoRestarts(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let key = try await fixture.placed("t")
            _ = try await fixture.tasks.finish(key, .init(code: .failed, errorMessage: "x"), at: fixture.at(5))
            let outcomes = try await race(4) { _ in
                try await fixture.tasks.requestRestart(key.task, for: .everything, at: fixture.at(10))
            }
            #expect(outcomes.count { $0 == .queued } == 1 && outcomes.count { $0 == .running } == 3)
            #expect(try await fixture.read(key.task).run == 2)
        }
    }

    @Test("a cancel of what is over is refused where only an unfinished task is meant", arguments: ScratchDatabase.all)
    func cancelOfFinished(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let key = try await fixture.placed("t")
            _ = try await fixture.tasks.finish(key, .init(code: .completed), at: fixture.at(5))
            let outcome = try await fixture.tasks.requestCancel(
                key.task, for: .everything, unfinishedOnly: true, at: fixture.at(6))
            #expect(outcome == .over(.completed))
            #expect(try await fixture.read(key.task).state == .completed)
        }
    }

    @Test("a list shows the tasks of one token, or of none", arguments: ScratchDatabase.all)
    func byOwner(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            for (name, owner) in [("a", "anna"), ("b", "bert"), ("c", nil)] {
                try await fixture.queued(name, owner: owner)
            }
            for (owner, found) in [("anna", ["a"]), ("", ["c"]), ("nobody", [])] {
                let page = try await fixture.tasks.page(TaskFilter(owner: owner), limit: 10)
                #expect(page.tasks.map(\.id.string) == found)
            }
            #expect(try await fixture.tasks.page(limit: 10).tasks.count == 3)
        }
    }
}
