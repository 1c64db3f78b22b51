import Model
import Record
import TestSupport
import Testing

@Suite("Tasks of other gateways", .timeLimit(.minutes(2)))
struct ImportingTests {
    private func foreign(_ fixture: RecordFixture, _ name: String, owner: String? = nil) -> ForeignTask {
        ForeignTask(
            id: fixture.task(name), owner: owner, backend: RecordFixture.fra, name: "field-7",
            options: #"[{"name":"dsm","value":true}]"#, dateCreated: fixture.at(-1000), images: 12)
    }

    @Test(
        "one is placed where it runs, under its own name, and nothing of it can be sent again",
        arguments: ScratchDatabase.all)
    func placed(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let task = foreign(fixture, "Old-1", owner: "webodm")
            #expect(try await fixture.tasks.takeOver(task, reason: "from elsewhere", at: fixture.at(5)))
            let record = try await fixture.read(task.id)
            #expect(record.id.string == "Old-1")
            #expect(record.state == .placed)
            #expect(record.shownCode == .running)
            #expect(record.owner == "webodm")
            #expect(record.name == "field-7")
            #expect(record.images == 12)
            #expect(record.dateCreated == fixture.at(-1000))
            #expect(record.inputsExpiredAt == fixture.at(5))
            #expect(record.liveAttempt?.backend == RecordFixture.fra)
            #expect(record.liveAttempt?.backendTask.string == "Old-1")
            #expect(record.liveAttempt?.state == .accepted)
            #expect(try await fixture.kinds(of: task.id) == [.accepted])
            #expect(try await fixture.tasks.live().map(\.id) == [task.id])
        }
    }

    @Test("what the record knows already stays as it is", arguments: ScratchDatabase.all)
    func known(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let queued = try await fixture.queued("mine", owner: "webodm")
            #expect(!(try await fixture.tasks.takeOver(foreign(fixture, "MINE"), reason: "x", at: fixture.at(5))))
            #expect(try await fixture.read(queued).state == .queued)
            let task = foreign(fixture, "old")
            #expect(try await fixture.tasks.takeOver(task, reason: "x", at: fixture.at(5)))
            #expect(!(try await fixture.tasks.takeOver(task, reason: "x", at: fixture.at(6))))
            #expect(try await fixture.kinds(of: task.id) == [.accepted])
        }
    }

    @Test("one comes to its end like any other", arguments: ScratchDatabase.all)
    func ends(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let task = foreign(fixture, "old")
            _ = try await fixture.tasks.takeOver(task, reason: "x", at: fixture.at(5))
            let key = AttemptKey(task: task.id, number: 1)
            let end = TaskEnd(code: .completed)
            _ = try await fixture.tasks.finish(key, end, webhook: WebhookPolicy(), at: fixture.at(9))
            #expect(try await fixture.read(task.id).state == .completed)
        }
    }
}
