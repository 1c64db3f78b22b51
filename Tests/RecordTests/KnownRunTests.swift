import Model
import Record
import TestSupport
import Testing

@Suite("Which runs on backends the record knows", .timeLimit(.minutes(2)))
struct KnownRunTests {
    @Test("every attempt of a task, ended ones too, and what is still to be cleaned up", arguments: ScratchDatabase.all)
    func knows(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let key = try await fixture.placed("t")
            let first = BackendTaskID("t-1")
            #expect(try await fixture.tasks.knows(first, on: RecordFixture.fra))
            // One cluster may be listed under two names.
            #expect(try await fixture.tasks.knows(first, on: RecordFixture.nyc))
            #expect(try await !fixture.tasks.knows(BackendTaskID("t-2"), on: RecordFixture.fra))
            _ = try await fixture.tasks.fence(key, reason: "silent", at: fixture.at(5))
            _ = try await fixture.begin(key.task)
            #expect(try await fixture.tasks.knows(first, on: RecordFixture.fra))
            #expect(try await fixture.tasks.knows(BackendTaskID("t-2"), on: RecordFixture.fra))
            let leaving = BackendTaskID("leaving")
            try await fixture.record.cleanups.add(
                .remove, of: leaving, on: RecordFixture.fra, task: key.task, at: fixture.at(6))
            #expect(try await fixture.tasks.knows(leaving, on: RecordFixture.fra))
            #expect(try await !fixture.tasks.knows(leaving, on: RecordFixture.nyc))
        }
    }
}
