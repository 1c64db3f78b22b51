import Model
import Record
import TestSupport
import Testing

@Suite("Attempts", .timeLimit(.minutes(2)))
struct AttemptTests {
    @Test("an attempt goes through its steps once, and each second caller loses", arguments: ScratchDatabase.all)
    func steps(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let tasks = fixture.tasks
            let id = try await fixture.queued("t")
            let key = try await fixture.begin(id)
            #expect(key.number == 1)
            #expect(
                try await tasks.begin(id, on: RecordFixture.nyc, reason: "", at: fixture.at(0)) { _ in
                    BackendTaskID("y")
                } == .lost)
            #expect(try await !tasks.markCommitting(key, at: fixture.at(1)))
            #expect(try await tasks.markSending(key, at: fixture.at(1)))
            #expect(try await !tasks.markSending(key, at: fixture.at(1)))
            #expect(try await !tasks.markAccepted(key, at: fixture.at(1)))
            #expect(try await tasks.markCommitting(key, at: fixture.at(2)))
            #expect(try await !tasks.markCommitting(key, at: fixture.at(2)))
            #expect(try await fixture.read(id).state == .dispatching)
            #expect(try await tasks.markAccepted(key, at: fixture.at(3)))
            #expect(try await !tasks.markAccepted(key, at: fixture.at(3)))
            let record = try await fixture.read(id)
            #expect(record.state == .placed)
            #expect(record.attempt?.state == .accepted)
            #expect(record.attempt?.backendTask == BackendTaskID("t-1"))
            #expect(record.attempt?.committingAt == fixture.at(2))
            #expect(
                try await fixture.kinds(of: id)
                    == [.initialized, .committed, .chosen, .sending, .committing, .accepted])
            #expect(try await tasks.record(on: RecordFixture.fra, as: BackendTaskID("t-1"))?.id == id)
            #expect(try await tasks.live(on: RecordFixture.fra).map(\.id) == [id])
            #expect(try await tasks.live(on: RecordFixture.nyc).isEmpty)
            #expect(try await tasks.live().map(\.id) == [id])
        }
    }

    @Test("of fifty placements at once one is recorded", arguments: ScratchDatabase.all)
    func racingPlacements(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let id = try await fixture.queued("t")
            let outcomes = try await race(50) { index in
                try await fixture.tasks.begin(id, on: RecordFixture.fra, reason: "", at: fixture.at(1)) { _ in
                    BackendTaskID("copy-\(index)")
                }
            }
            #expect(outcomes.filter { $0 != .lost }.count == 1)
            #expect(try await fixture.tasks.attempts(of: id).count == 1)
        }
    }

    @Test("an attempt of which nothing was sent keeps its number for the next backend", arguments: ScratchDatabase.all)
    func rewritten(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let tasks = fixture.tasks
            let id = try await fixture.queued("t")
            let first = try await fixture.begin(id)
            let away = Release(proof: .nothingCommitted, reason: "unreachable")
            #expect(try await tasks.release(first, away, at: fixture.at(1)) == .queued(failures: 0))
            #expect(try await tasks.release(first, away, at: fixture.at(1)) == .lost)
            let second = try await fixture.begin(id, on: RecordFixture.nyc)
            #expect(second.number == 1)
            #expect(try await tasks.markSending(second, at: fixture.at(2)))
            let cut = Release(proof: .nothingCommitted, reason: "cut off", leftover: .discard)
            #expect(try await tasks.release(second, cut, at: fixture.at(3)) == .queued(failures: 0))
            #expect(try await fixture.cleanups(on: RecordFixture.nyc) == ["discard t-1"])
            #expect(try await fixture.begin(id).number == 2)
            #expect(try await tasks.attempts(of: id).map(\.outcome) == [.released, nil])
        }
    }

    @Test(
        "counted failures pass the backend over, pause, and fail the task at the limit", arguments: ScratchDatabase.all)
    func counted(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let tasks = fixture.tasks
            let id = try await fixture.queued("t", webhook: "http://hooks.example.org/")
            var refusal = Release(
                proof: .nothingCommitted, isCounted: true, reason: "Invalid option", limit: 3,
                retryAt: fixture.at(5000), passesOver: true)
            let first = try await fixture.begin(id)
            #expect(try await tasks.release(first, refusal, at: fixture.at(1)) == .queued(failures: 1))
            var waiting = try #require(try await tasks.queue().first)
            #expect(waiting.passedOver == [RecordFixture.fra])
            #expect(waiting.notBefore == fixture.at(5000))
            #expect(waiting.failures == 1)

            refusal.clearsPassedOver = true
            refusal.passesOver = false
            let second = try await fixture.begin(id, on: RecordFixture.nyc)
            #expect(try await tasks.release(second, refusal, at: fixture.at(2)) == .queued(failures: 2))
            waiting = try #require(try await tasks.queue().first)
            #expect(waiting.passedOver.isEmpty)

            let third = try await fixture.begin(id)
            #expect(try await tasks.release(third, refusal, at: fixture.at(3)) == .ended(.failed))
            let record = try await fixture.read(id)
            #expect(record.errorMessage == "Invalid option")
            #expect(record.failures == 3)
            #expect(record.liveAttempt == nil)
            #expect(
                try await fixture.record.webhooks.claim(lease: .seconds(30), limit: 10, at: fixture.at(4)).count == 1)
        }
    }

    @Test("a committed attempt leaves its backend only with a proof", arguments: ScratchDatabase.all)
    func proofs(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let tasks = fixture.tasks
            let id = try await fixture.queued("t")
            let key = try await fixture.begin(id)
            _ = try await tasks.markSending(key, at: fixture.at(1))
            let disowned = Release(proof: .backendDisowns, reason: "not found")
            #expect(try await tasks.release(key, disowned, at: fixture.at(1)) == .lost)
            _ = try await tasks.markCommitting(key, at: fixture.at(2))
            let unproven = Release(proof: .nothingCommitted, reason: "timed out")
            #expect(try await tasks.release(key, unproven, at: fixture.at(3)) == .lost)
            #expect(try await tasks.release(key, disowned, at: fixture.at(4)) == .queued(failures: 0))
            #expect(try await fixture.begin(id).number == 2)
        }
    }

    @Test("a prefetched task stays queued until it is promoted", arguments: ScratchDatabase.all)
    func prefetch(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let tasks = fixture.tasks
            let id = try await fixture.queued("t")
            try await tasks.markWaiting([id], reason: "all slots are taken", at: fixture.at(1))
            try await tasks.markWaiting([id], reason: "all slots are taken", at: fixture.at(2))
            let key = try await fixture.begin(id, .prefetch)
            #expect(try await tasks.markSending(key, at: fixture.at(3)))
            #expect(try await fixture.read(id).shownCode == .queued)
            #expect(try await tasks.queue().first?.prefetch?.key == key)
            #expect(try await !tasks.markCommitting(key, at: fixture.at(3)))
            #expect(try await tasks.promote(key, at: fixture.at(4)))
            #expect(try await !tasks.promote(key, at: fixture.at(4)))
            #expect(try await tasks.markCommitting(key, at: fixture.at(5)))
            #expect(try await tasks.markAccepted(key, at: fixture.at(6)))
            let kinds = try await fixture.kinds(of: id)
            #expect(kinds.filter { $0 == .waiting }.count == 1)
            #expect(kinds.contains(.prefetching))
        }
    }

    @Test("a refused name is replaced before the commit, not after", arguments: ScratchDatabase.all)
    func rename(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let key = try await fixture.begin(try await fixture.queued("t"))
            #expect(try await fixture.tasks.rename(key, to: BackendTaskID("other"), at: fixture.at(1)))
            #expect(try await fixture.read(key.task).attempt?.backendTask == BackendTaskID("other"))
            try await fixture.accept(key)
            #expect(try await !fixture.tasks.rename(key, to: BackendTaskID("third"), at: fixture.at(9)))
        }
    }

    @Test(
        "a fenced attempt is adopted when its backend returns, and the younger one is cleaned up",
        arguments: ScratchDatabase.all)
    func adopted(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let tasks = fixture.tasks
            let old = try await fixture.placed("t")
            #expect(try await tasks.fence(old, reason: "silent for 6 h", at: fixture.at(10)) == .queued(failures: 0))
            #expect(try await tasks.fence(old, reason: "silent for 6 h", at: fixture.at(10)) == .lost)
            let younger = try await fixture.begin(old.task, on: RecordFixture.nyc)
            try await fixture.accept(younger)
            // The old copy waits to be looked at; it isn't removed by the acceptance elsewhere.
            #expect(try await tasks.fenced(on: RecordFixture.fra).map(\.key) == [old])
            #expect(try await fixture.cleanups(on: RecordFixture.fra).isEmpty)
            #expect(try await tasks.adopt(old, reason: "found completed", at: fixture.at(20)))
            #expect(try await !tasks.adopt(old, reason: "found completed", at: fixture.at(20)))
            #expect(try await fixture.cleanups(on: RecordFixture.nyc) == ["remove t-2"])
            let record = try await fixture.read(old.task)
            #expect(record.state == .placed)
            #expect(record.attempt?.key == old)
            #expect(record.lastAttempt == 2)
            #expect(try await tasks.finish(old, TaskEnd(code: .completed), at: fixture.at(21)) == .ended(.completed))
            #expect(try await tasks.finish(younger, TaskEnd(code: .completed), at: fixture.at(21)) == .lost)
        }
    }

    @Test(
        "a run that was cancelled for a restart isn't adopted when its backend returns", arguments: ScratchDatabase.all)
    func fencedForRestart(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let tasks = fixture.tasks
            let old = try await fixture.placed("t")
            _ = try await tasks.requestCancel(old.task, for: .everything, at: fixture.at(5))
            _ = try await tasks.requestRestart(old.task, for: .everything, at: fixture.at(6))
            #expect(try await tasks.fence(old, reason: "silent", at: fixture.at(10)) == .queued(failures: 0))
            #expect(try await tasks.fenced(on: RecordFixture.fra).isEmpty)
            #expect(try await !tasks.adopt(old, reason: "back", at: fixture.at(11)))
            #expect(try await fixture.cleanups(on: RecordFixture.fra) == ["remove t-1"])
            #expect(try await fixture.read(old.task).state == .queued)
        }
    }

    @Test("a fenced attempt's copy is removed once it isn't wanted", arguments: ScratchDatabase.all)
    func dropped(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let first = try await fixture.placed("one")
            _ = try await fixture.tasks.fence(first, reason: "silent", at: fixture.at(10))
            #expect(try await fixture.tasks.dropFenced(first, at: fixture.at(11)))
            #expect(try await !fixture.tasks.dropFenced(first, at: fixture.at(11)))
            #expect(try await fixture.cleanups(on: RecordFixture.fra) == ["remove one-1"])

            let second = try await fixture.placed("two")
            _ = try await fixture.tasks.fence(second, reason: "silent", at: fixture.at(12))
            let again = try await fixture.begin(second.task, on: RecordFixture.nyc)
            try await fixture.accept(again)
            _ = try await fixture.tasks.finish(again, TaskEnd(code: .completed), at: fixture.at(13))
            #expect(try await fixture.cleanups(on: RecordFixture.fra) == ["remove one-1", "remove two-1"])
            #expect(try await !fixture.tasks.adopt(second, reason: "late", at: fixture.at(14)))
        }
    }
}
