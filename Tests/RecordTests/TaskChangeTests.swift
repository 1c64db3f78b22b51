import Model
import Record
import TestSupport
import Testing

@Suite("Changes that are told", .timeLimit(.minutes(2)))
struct TaskChangeTests {
    @Test(
        "each committed transition is told with its revision, one that was refused isn't",
        arguments: ScratchDatabase.all)
    func told(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            var changes = fixture.tasks.changes().makeAsyncIterator()
            #expect(await changes.next() == .reset)
            let id = try await fixture.queued("Task-A")
            guard case .changed(let told, let revision)? = await changes.next() else {
                Issue.record("the commit wasn't told")
                return
            }
            #expect(told == id)
            #expect(try await fixture.read(id).revision == revision)
            let key = AttemptKey(task: id, number: 7)
            #expect(try await fixture.tasks.finish(key, .init(code: .completed), at: fixture.at(1)) == .lost)
            _ = try await fixture.tasks.requestCancel(id, for: .everything, at: fixture.at(2))
            let next = await changes.next()
            #expect(next == .changed(id, revision: try await fixture.read(id).revision))
        }
    }
}
