import Model
import Record
import TestSupport
import Testing

@Suite("Queue, lists and counts", .timeLimit(.minutes(2)))
struct QueueTests {
    @Test("the queue is served by priority, then by age", arguments: ScratchDatabase.all)
    func order(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            try await fixture.queued("late", at: 30)
            try await fixture.queued("early", owner: "a", at: 10)
            try await fixture.queued("urgent", priority: 5, at: 40)
            try await fixture.queued("b-same", at: 20)
            try await fixture.queued("a-same", at: 20)
            try await fixture.create("uploading", at: 1)
            _ = try await fixture.begin(try await fixture.queued("chosen", at: 2))
            let queue = try await fixture.tasks.queue()
            #expect(queue.map(\.id.key) == ["urgent", "early", "a-same", "b-same", "late"])
            #expect(queue[1].owner == "a")
            #expect(queue[1].options == #"[{"name":"dsm","value":true}]"#)
            #expect(queue[1].queuedAt == fixture.at(10))
            #expect(queue.allSatisfy { $0.prefetch == nil && $0.project == nil && !$0.isWaiting })
        }
    }

    @Test("a task that comes back keeps its age, one that is restarted doesn't", arguments: ScratchDatabase.all)
    func age(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let first = try await fixture.begin(try await fixture.queued("first", at: 1))
            try await fixture.queued("second", at: 2)
            let away = Release(proof: .nothingCommitted, reason: "unreachable")
            _ = try await fixture.tasks.release(first, away, at: fixture.at(9))
            #expect(try await fixture.tasks.queue().map(\.id.key) == ["first", "second"])
            _ = try await fixture.tasks.requestCancel(first.task, for: .everything, at: fixture.at(10))
            _ = try await fixture.tasks.requestRestart(first.task, for: .everything, at: fixture.at(11))
            #expect(try await fixture.tasks.queue().map(\.id.key) == ["second", "first"])
            // The list keeps the order of the first commits.
            #expect(try await fixture.tasks.list(for: .everything).map(\.key) == ["first", "second"])
        }
    }

    @Test("a start reads what isn't over, and nothing else", arguments: ScratchDatabase.all)
    func unfinished(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            try await fixture.create("receiving")
            try await fixture.queued("queued")
            _ = try await fixture.begin(try await fixture.queued("dispatching"))
            _ = try await fixture.placed("placed")
            let done = try await fixture.placed("done")
            _ = try await fixture.tasks.finish(done, TaskEnd(code: .completed), at: fixture.at(5))
            let removed = try await fixture.placed("removed")
            _ = try await fixture.tasks.finish(removed, TaskEnd(code: .completed), at: fixture.at(5))
            _ = try await fixture.tasks.requestRemove(removed.task, for: .everything, at: fixture.at(6))
            let live = try await fixture.tasks.live()
            #expect(Set(live.map(\.id.key)) == ["dispatching", "placed"])
            #expect(live.first { $0.id.key == "dispatching" }?.attempt?.state == .recorded)
            #expect(try await fixture.tasks.waiting(limit: 9).map(\.id.key) == ["queued"])
        }
    }

    @Test("pages of the queue are together what one read of it gives", arguments: ScratchDatabase.all)
    func queuePages(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            for index in 0..<9 {
                try await fixture.queued("t\(index)", priority: [3, 0, -2][index % 3], at: Int64(index / 5))
            }
            _ = try await fixture.begin(try await fixture.queued("ahead"), .prefetch)
            let all = try await fixture.tasks.queue()
            #expect(all.count == 10)
            for limit in [1, 2, 3, 10] {
                var queue: [QueuedTask] = []
                var waiting: [TaskRecord] = []
                while true {
                    let page = try await fixture.tasks.queue(after: queue.last.map { QueuePlace($0) }, limit: limit)
                    let rows = try await fixture.tasks.waiting(
                        after: waiting.last.flatMap { QueuePlace($0) }, limit: limit)
                    #expect(page.count <= limit)
                    guard !page.isEmpty || !rows.isEmpty else { break }
                    queue += page
                    waiting += rows
                }
                #expect(queue == all)
                #expect(waiting.map(\.id) == all.map(\.id))
            }
        }
    }

    @Test("pages follow each other without gap or repetition, and filters hold", arguments: ScratchDatabase.all)
    func pages(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            for index in 0..<7 { try await fixture.queued("t\(index)", at: Int64(index / 2)) }
            _ = try await fixture.placed("odd_one")
            var seen: [String] = []
            var cursor: TaskCursor?
            repeat {
                let page = try await fixture.tasks.page(after: cursor, limit: 3)
                #expect(page.tasks.count <= 3)
                seen += page.tasks.map(\.id.key)
                cursor = page.next
            } while cursor != nil
            #expect(seen.count == 8)
            #expect(Set(seen).count == 8)
            #expect(seen.first == "t6")

            func keys(_ filter: TaskFilter) async throws -> [String] {
                try await fixture.tasks.page(filter, limit: 100).tasks.map(\.id.key)
            }
            #expect(try await keys(TaskFilter(state: .placed)) == ["odd_one"])
            #expect(try await keys(TaskFilter(backend: RecordFixture.fra)) == ["odd_one"])
            #expect(try await keys(TaskFilter(backend: RecordFixture.nyc)).isEmpty)
            #expect(try await keys(TaskFilter(text: "NAME OF T3")) == ["t3"])
            #expect(try await keys(TaskFilter(text: "_")) == ["odd_one"])
            #expect(try await keys(TaskFilter(text: "%")).isEmpty)
            #expect(try await keys(TaskFilter(text: "\\")).isEmpty)
        }
    }

    @Test("counts are by owner and state", arguments: ScratchDatabase.all)
    func counts(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            try await fixture.create("receiving", owner: "a")
            try await fixture.queued("q1", owner: "a")
            try await fixture.queued("q2", owner: "a")
            try await fixture.queued("q3")
            let done = try await fixture.placed("done")
            _ = try await fixture.tasks.finish(done, TaskEnd(code: .completed), at: fixture.at(5))
            _ = try await fixture.placed("placed")
            func text(_ counts: [TaskCount]) -> Set<String> {
                Set(counts.map { "\($0.owner ?? "-") \($0.state) \($0.count)" })
            }
            #expect(
                text(try await fixture.tasks.counts(unfinishedOnly: true))
                    == ["a queued 2", "- queued 1", "- placed 1"])
            #expect(
                text(try await fixture.tasks.counts(unfinishedOnly: false))
                    == ["a queued 2", "- queued 1", "- placed 1", "- completed 1"])
        }
    }
}
