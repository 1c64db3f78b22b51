import Model
import Record
import TestSupport
import Testing

@Suite("Retention", .timeLimit(.minutes(2)))
struct RetentionTests {
    @Test("an upload without data for long is abandoned, one with fresh data isn't", arguments: ScratchDatabase.all)
    func uploads(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let tasks = fixture.tasks
            let old = try await fixture.create("old", at: 0)
            let fresh = try await fixture.create("fresh", at: 0)
            let growing = try await fixture.create("growing", at: 0)
            #expect(try await tasks.touch(fresh, for: .everything, at: fixture.at(20_000)))
            _ = try await tasks.addFile(fixture.file("a.jpg"), to: growing, for: .everything, at: fixture.at(20_000))
            try await fixture.queued("queued", at: 0)
            #expect(try await tasks.staleUploads(lastDataBefore: fixture.at(100)) == [old])
            for other in [fresh, growing] {
                #expect(
                    try await !tasks.abandonUpload(
                        other, lastDataBefore: fixture.at(100), reason: "stale", at: fixture.at(600)))
            }
            #expect(
                try await tasks.abandonUpload(
                    old, lastDataBefore: fixture.at(100), reason: "stale", at: fixture.at(600)))
            #expect(try await !tasks.touch(old, for: .everything, at: fixture.at(601)))
            #expect(
                try await tasks.addFile(fixture.file("a.jpg"), to: old, for: .everything, at: fixture.at(601))
                    == .notReceiving)
            #expect(try await tasks.commit(old, for: .everything, at: fixture.at(601)) == .unknown)
            #expect(
                try await tasks.create(
                    NewTask(id: old, name: "x", dateCreated: fixture.at(602)), at: fixture.at(602)) == .exists)
            #expect(try await tasks.removals().map(\.id) == [old])
            #expect(try await tasks.delete(old, at: fixture.at(603)))
        }
    }

    @Test("the oldest of each kind tells when something is due next", arguments: ScratchDatabase.all)
    func oldest(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let tasks = fixture.tasks
            #expect(try await tasks.oldest() == TaskStore.Oldest())
            #expect(try await !tasks.hasFiles())
            try await fixture.create("young", at: 300)
            let upload = try await fixture.create("old", at: 100)
            try await fixture.queued("running", at: 0)
            for (name, moment) in [("first", 200), ("second", 400)] as [(String, Int64)] {
                let id = try await fixture.queued(name, at: 0)
                _ = try await tasks.failQueued(id, reason: "a test", at: fixture.at(moment))
            }
            #expect(try await tasks.hasFiles())
            var expected = TaskStore.Oldest()
            (expected.upload, expected.inputs, expected.task) = (fixture.at(100), fixture.at(200), fixture.at(200))
            #expect(try await tasks.oldest() == expected)
            let first = fixture.task("first")
            _ = try await tasks.expireInputs(of: first, keptFromBefore: fixture.at(201), at: fixture.at(500))
            #expect(try await tasks.inputsRemoved(first, at: fixture.at(500)))
            _ = try await tasks.abandonUpload(upload, reason: "stale", at: fixture.at(500))
            (expected.upload, expected.inputs) = (fixture.at(300), fixture.at(400))
            #expect(try await tasks.oldest() == expected)
        }
    }

    @Test(
        "inputs are given up before they are deleted, so that no restart relies on them", arguments: ScratchDatabase.all
    )
    func inputs(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let tasks = fixture.tasks
            let key = try await fixture.placed("t")
            _ = try await tasks.finish(key, TaskEnd(code: .completed), at: fixture.at(100))
            #expect(try await tasks.inputsToRemove(keptFromBefore: fixture.at(100)).isEmpty)
            #expect(try await tasks.inputsToRemove(keptFromBefore: fixture.at(101)) == [key.task])
            try await tasks.noteDownload(key.task, at: fixture.at(150))
            #expect(try await tasks.inputsToRemove(keptFromBefore: fixture.at(101)).isEmpty)
            #expect(
                try await tasks.expireInputs(of: key.task, keptFromBefore: fixture.at(101), at: fixture.at(200)) == nil)

            let files = [fixture.file("a.jpg")]
            let before = fixture.at(160)
            #expect(try await tasks.expireInputs(of: key.task, keptFromBefore: before, at: fixture.at(200)) == files)
            #expect(try await tasks.requestRestart(key.task, for: .everything, at: fixture.at(201)) == .inputsExpired)
            // Cut off here, the same comes back.
            #expect(try await tasks.inputsToRemove(keptFromBefore: before) == [key.task])
            #expect(try await tasks.expireInputs(of: key.task, keptFromBefore: before, at: fixture.at(202)) == files)
            #expect(try await tasks.inputsRemoved(key.task, at: fixture.at(203)))
            #expect(try await tasks.inputsToRemove(keptFromBefore: before).isEmpty)
            #expect(try await tasks.files(of: key.task).isEmpty)
            #expect(try await fixture.kinds(of: key.task).filter { $0 == .inputsExpired }.count == 1)
            // The project on the backend makes a restart possible all the same.
            #expect(
                try await tasks.requestRestart(
                    key.task, for: .everything, boundTo: RecordFixture.fra, at: fixture.at(204)) == .queued)
        }
    }

    @Test("an expired task is removed, unless it was used meanwhile", arguments: ScratchDatabase.all)
    func expired(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let tasks = fixture.tasks
            let key = try await fixture.placed("t")
            let other = try await fixture.placed("u")
            for key in [key, other] {
                _ = try await tasks.finish(key, TaskEnd(code: .completed), at: fixture.at(100))
            }
            let before = fixture.at(200)
            #expect(try await tasks.expired(keptFromBefore: before) == [key.task, other.task])
            _ = try await tasks.requestRestart(other.task, for: .everything, at: fixture.at(150))
            #expect(try await !tasks.expire(other.task, keptFromBefore: before, at: fixture.at(300)))
            #expect(try await tasks.expire(key.task, keptFromBefore: before, at: fixture.at(300)))
            #expect(try await tasks.expired(keptFromBefore: before).isEmpty)
            #expect(try await fixture.cleanups(on: RecordFixture.fra) == ["remove t-1"])
        }
    }

    @Test("what the owner purged is noted, and offers no restart in place any more", arguments: ScratchDatabase.all)
    func purged(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let key = try await fixture.placed("t")
            #expect(try await !fixture.tasks.noteCopyGone(key, reason: "purged", at: fixture.at(4)))
            _ = try await fixture.tasks.finish(key, TaskEnd(code: .completed), at: fixture.at(5))
            #expect(try await fixture.tasks.noteCopyGone(key, reason: "purged", at: fixture.at(6)))
            #expect(try await !fixture.tasks.noteCopyGone(key, reason: "purged", at: fixture.at(6)))
            #expect(try await fixture.read(key.task).shownCode == .completed)
            #expect(
                try await fixture.tasks.requestRestart(
                    key.task, for: .everything, boundTo: RecordFixture.fra, at: fixture.at(7)) == .noProject)
        }
    }
}
