import Model
import Record
import TestSupport
import Testing

@Suite("Ends and webhooks", .timeLimit(.minutes(2)))
struct EndTests {
    @Test("an end is taken from the current attempt only, and once", arguments: ScratchDatabase.all)
    func once(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let key = try await fixture.placed("t")
            let stranger = AttemptKey(task: key.task, number: 2)
            let end = TaskEnd(code: .failed, errorMessage: "Cannot process dataset", progress: 100, processingTime: 9)
            #expect(try await fixture.tasks.finish(stranger, end, at: fixture.at(5)) == .lost)
            #expect(try await fixture.tasks.finish(key, end, at: fixture.at(5)) == .ended(.failed))
            #expect(try await fixture.tasks.finish(key, TaskEnd(code: .completed), at: fixture.at(6)) == .lost)
            let record = try await fixture.read(key.task)
            #expect(record.shownCode == .failed)
            #expect(record.errorMessage == "Cannot process dataset")
            #expect(record.progress == 100)
            #expect(record.processingTime == 9)
            #expect(record.endedAt == fixture.at(5))
            #expect(record.attempt?.outcome == .failed)
            #expect(record.attempt?.mayHaveCopy == true)
        }
    }

    @Test("an end seen while the commit's answer is missing proves the commit", arguments: ScratchDatabase.all)
    func endWhileCommitting(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let key = try await fixture.begin(try await fixture.queued("t"))
            #expect(try await fixture.tasks.finish(key, TaskEnd(code: .completed), at: fixture.at(1)) == .lost)
            _ = try await fixture.tasks.markSending(key, at: fixture.at(1))
            _ = try await fixture.tasks.markCommitting(key, at: fixture.at(2))
            #expect(
                try await fixture.tasks.finish(key, TaskEnd(code: .completed), at: fixture.at(3)) == .ended(.completed))
            #expect(try await fixture.read(key.task).attempt?.acceptedAt == fixture.at(3))
            #expect(
                try await fixture.tasks.requestRestart(
                    key.task, for: .everything, boundTo: RecordFixture.fra, at: fixture.at(4)) == .queued)
        }
    }

    @Test("of fifty ends at once one is taken, and one webhook tells of it", arguments: ScratchDatabase.all)
    func racingEnds(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let key = try await fixture.placed("t", webhook: "http://hooks.example.org/")
            let outcomes = try await race(50) { index in
                try await fixture.tasks.finish(
                    key, TaskEnd(code: index.isMultiple(of: 2) ? .completed : .failed), at: fixture.at(5))
            }
            #expect(outcomes.filter { $0 != .lost }.count == 1)
            let told = try await fixture.record.webhooks.claim(lease: .seconds(9), limit: 100, at: fixture.at(9))
            #expect(told.count == 1)
        }
    }

    @Test("a lost task is queued again, uncounted or counted", arguments: ScratchDatabase.all)
    func vanished(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let key = try await fixture.placed("t")
            let progress = TaskProgress(attempt: key, progress: 40, processingTime: 500, code: .running)
            #expect(try await fixture.tasks.write(progress, at: fixture.at(4)))
            let rerun = Release(proof: .vanished, isCounted: true, reason: "the node lost it", limit: 5)
            #expect(try await fixture.tasks.release(key, rerun, at: fixture.at(5)) == .queued(failures: 1))
            let record = try await fixture.read(key.task)
            #expect(record.state == .queued)
            #expect(record.progress == 40)
            #expect(record.processingTime == -1)
            #expect(record.attempt?.outcome == .vanished)
            #expect(record.attempt?.mayHaveCopy == false)
            #expect(try await fixture.cleanups(on: RecordFixture.fra).isEmpty)
            #expect(try await fixture.kinds(of: key.task).last == .vanished)
        }
    }

    @Test("a queued task that can't go on fails with its reason", arguments: ScratchDatabase.all)
    func failQueued(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let id = try await fixture.queued("t", webhook: "http://hooks.example.org/")
            let ahead = try await fixture.begin(id, .prefetch)
            _ = try await fixture.tasks.markSending(ahead, at: fixture.at(1))
            #expect(try await fixture.tasks.failQueued(id, reason: "no backend", at: fixture.at(2)) == .ended(.failed))
            #expect(try await fixture.tasks.failQueued(id, reason: "no backend", at: fixture.at(2)) == .lost)
            #expect(try await fixture.read(id).errorMessage == "no backend")
            #expect(try await fixture.cleanups(on: RecordFixture.fra) == ["discard t-1"])
            #expect(try await fixture.record.webhooks.claim(lease: .seconds(9), limit: 9, at: fixture.at(9)).count == 1)
            let placed = try await fixture.placed("u")
            #expect(try await fixture.tasks.failQueued(placed.task, reason: "x", at: fixture.at(2)) == .lost)
        }
    }

    @Test("each end tells the task's URL and the node-wide one, each restart anew", arguments: ScratchDatabase.all)
    func webhooks(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let outbox = fixture.record.webhooks
            let policy = WebhookPolicy(nodeWideURL: "http://node.example.org/", payload: "{}")
            let key = try await fixture.placed("t", webhook: "http://hooks.example.org/")
            _ = try await fixture.tasks.finish(key, TaskEnd(code: .completed), webhook: policy, at: fixture.at(5))
            let first = try await outbox.claim(lease: .seconds(1), limit: 9, at: fixture.at(6))
            #expect(first.map(\.url).sorted() == ["http://hooks.example.org/", "http://node.example.org/"])
            #expect(first.allSatisfy { $0.payload == "{}" && $0.task == "t" && $0.attempt == 1 })
            #expect(try await outbox.claim(lease: .seconds(1), limit: 9, at: fixture.at(7)).isEmpty)
            // A gateway that is alone takes up at its start what the one before, which was killed, had claimed.
            try await outbox.releaseClaims()
            #expect(
                try await outbox.claim(lease: .seconds(1), limit: 9, at: fixture.at(7)).map(\.id) == first.map(\.id))

            #expect(try await outbox.delivered(first[0], at: fixture.at(8)))
            #expect(try await !outbox.delivered(first[0], at: fixture.at(8)))
            #expect(try await outbox.retry(first[1], due: fixture.at(9000), error: "500", at: fixture.at(8)))
            #expect(try await outbox.claim(lease: .seconds(1), limit: 9, at: fixture.at(8999)).isEmpty)
            let again = try await outbox.claim(lease: .seconds(1), limit: 9, at: fixture.at(9000))
            #expect(again.map(\.tries) == [1])
            // A claim whose holder died is free again after its time.
            #expect(
                try await outbox.claim(lease: .seconds(1), limit: 9, at: fixture.at(10_000)).map(\.id)
                    == again.map(\.id))
            #expect(try await outbox.giveUp(again[0], error: "500", at: fixture.at(10_001)))
            #expect(try await outbox.claim(lease: .seconds(1), limit: 9, at: fixture.at(999_999)).isEmpty)

            _ = try await fixture.tasks.requestRestart(key.task, for: .everything, at: fixture.at(11))
            _ = try await fixture.tasks.failQueued(key.task, reason: "x", webhook: policy, at: fixture.at(12))
            let second = try await outbox.claim(lease: .seconds(1), limit: 9, at: fixture.at(13))
            #expect(second.count == 2)
            #expect(Set(second.map(\.id)).isDisjoint(with: first.map(\.id)))
            let kinds = try await fixture.kinds(of: key.task)
            #expect(kinds.contains(.webhookDelivered))
            #expect(kinds.contains(.webhookGivenUp))
        }
    }

    @Test("of ten senders each webhook is claimed by one", arguments: ScratchDatabase.all)
    func racingClaims(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            for index in 0..<20 {
                let key = try await fixture.placed("t\(index)", webhook: "http://hooks.example.org/")
                _ = try await fixture.tasks.finish(key, TaskEnd(code: .completed), at: fixture.at(5))
            }
            let claims = try await race(10) { _ in
                try await fixture.record.webhooks.claim(lease: .seconds(60), limit: 4, at: fixture.at(6)).map(\.id)
            }.flatMap { $0 }
            #expect(Set(claims).count == claims.count)
            let rest = try await fixture.record.webhooks.claim(lease: .seconds(60), limit: 100, at: fixture.at(7))
            #expect(claims.count + rest.count == 20)
        }
    }

    @Test("a webhook with a payload outlives its task, one without doesn't", arguments: ScratchDatabase.all)
    func outliving(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            for (name, payload) in [("with", "{}" as String?), ("without", nil)] {
                let key = try await fixture.placed(name, webhook: "http://hooks.example.org/")
                let policy = WebhookPolicy(payload: payload)
                _ = try await fixture.tasks.finish(key, TaskEnd(code: .completed), webhook: policy, at: fixture.at(5))
                _ = try await fixture.tasks.requestRemove(key.task, for: .everything, at: fixture.at(6))
                #expect(try await fixture.tasks.delete(key.task, at: fixture.at(7)))
            }
            let told = try await fixture.record.webhooks.claim(lease: .seconds(60), limit: 9, at: fixture.at(8))
            #expect(told.map(\.task) == ["with"])
            #expect(try await fixture.record.webhooks.delivered(told[0], at: fixture.at(9)))
        }
    }
}
