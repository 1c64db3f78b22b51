import Model
import Record
import TestSupport
import Testing

@Suite("Progress and output", .timeLimit(.minutes(2)))
struct OutputTests {
    @Test("lines are appended once, in order, and read by index", arguments: ScratchDatabase.all)
    func lines(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let tasks = fixture.tasks
            let key = try await fixture.placed("t")
            func append(_ lines: [String], after: Int, cursor: Int) async throws -> Bool {
                try await tasks.append(
                    OutputLines(attempt: key, after: after, lines: lines, logCursor: cursor), at: fixture.at(5))
            }
            #expect(try await append(["zero", "", "two"], after: 0, cursor: 3))
            #expect(try await !append(["zero", "", "two"], after: 0, cursor: 3))
            #expect(try await !append(["gap"], after: 4, cursor: 5))
            #expect(try await append([""], after: 3, cursor: 4))
            #expect(try await append(["four", "five"], after: 4, cursor: 6))
            #expect(try await append([], after: 6, cursor: 7))
            #expect(try await fixture.read(key.task).lineCount == 6)
            #expect(try await tasks.output(of: key.task, from: 0) == ["zero", "", "two", "", "four", "five"])
            #expect(try await tasks.output(of: key.task, from: -5, limit: 2) == ["zero", ""])
            #expect(try await tasks.output(of: key.task, from: 1, limit: 3) == ["", "two", ""])
            #expect(try await tasks.output(of: key.task, from: 5) == ["five"])
            #expect(try await tasks.output(of: key.task, from: 6).isEmpty)
            #expect(try await tasks.output(of: key.task, from: .max).isEmpty)
            #expect(try await tasks.output(of: key.task, from: 0, limit: 0).isEmpty)
            #expect(try await fixture.read(key.task).attempt?.logCursor == 7)
            #expect(try await tasks.output(of: fixture.task("unknown"), from: 0).isEmpty)
        }
    }

    @Test("two writers of the same lines write them once", arguments: ScratchDatabase.all)
    func racing(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let key = try await fixture.placed("t")
            let written = try await race(20) { _ in
                try await fixture.tasks.append(
                    OutputLines(attempt: key, after: 0, lines: ["a", "b"], logCursor: 2), at: fixture.at(5))
            }
            #expect(written.filter { $0 }.count == 1)
            #expect(try await fixture.tasks.output(of: key.task, from: 0) == ["a", "b"])
        }
    }

    @Test(
        "a batch writes what is still placed, last lines also later, and progress never falls",
        arguments: ScratchDatabase.all)
    func batch(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let tasks = fixture.tasks
            let running = try await fixture.placed("running")
            let ended = try await fixture.placed("ended")
            let canceled = try await fixture.placed("canceled")
            let restarted = try await fixture.placed("restarted")
            _ = try await tasks.finish(ended, TaskEnd(code: .completed, progress: 100), at: fixture.at(5))
            _ = try await tasks.requestCancel(canceled.task, for: .everything, at: fixture.at(5))
            _ = try await tasks.requestCancel(restarted.task, for: .everything, at: fixture.at(5))
            _ = try await tasks.requestRestart(restarted.task, for: .everything, at: fixture.at(5))
            let keys = [running, ended, canceled, restarted]
            var progress = keys.map {
                TaskProgress(attempt: $0, progress: 37.5, processingTime: 1234, code: .queued, imagesCount: 7)
            }
            let output = keys.map { OutputLines(attempt: $0, after: 0, lines: ["line"], logCursor: 1) }
            let saved = try await tasks.save(progress: progress, output: output, at: fixture.at(6))
            #expect(saved.progress == [running])
            #expect(saved.output == [running, ended, canceled])
            var record = try await fixture.read(running.task)
            #expect(record.progress == 37.5)
            #expect(record.processingTime == 1234)
            #expect(record.shownCode == .queued)
            #expect(record.imagesShown == 7)
            progress[0].progress = 12
            progress[0].imagesCount = nil
            progress[0].code = .running
            _ = try await tasks.save(progress: progress, at: fixture.at(7))
            record = try await fixture.read(running.task)
            #expect(record.progress == 37.5)
            #expect(record.imagesShown == 7)
            #expect(record.shownCode == .running)
            #expect(try await fixture.read(ended.task).progress == 100)
        }
    }

    @Test("two batches of the same tasks at once both go through", arguments: ScratchDatabase.all)
    func racingBatches(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            var keys: [AttemptKey] = []
            for index in 0..<10 { keys.append(try await fixture.placed("t\(index)")) }
            let ordered = keys
            let written = try await race(8) { index in
                let progress = (index.isMultiple(of: 2) ? ordered : ordered.reversed()).map {
                    TaskProgress(attempt: $0, progress: Double(index), processingTime: 1, code: .running)
                }
                return try await fixture.tasks.save(progress: progress, at: fixture.at(6)).progress.count
            }
            #expect(written == Array(repeating: 10, count: 8))
            #expect(try await fixture.read(keys[0].task).progress == 7)
        }
    }
}
