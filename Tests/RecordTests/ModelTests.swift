import Model
import Record
import TestSupport
import Testing

@Suite("Random lives", .timeLimit(.minutes(5)))
struct ModelTests {
    private static let milestones: [(step: String, outcome: String)] = [
        ("accepted", "true"), ("promote", "true"), ("begin inPlace", "recorded"), ("finish", "ended"),
        ("release", "queued"), ("leave", "queued"), ("fence", "queued"), ("adopt", "true"), ("cancel", "pending"),
        ("cancel", "canceled(interrupted: Optional"), ("restart", "afterCancel"), ("restart", "queued"),
        ("remove", "removing(interrupted: Optional"), ("delete", "true"), ("fail", "ended"), ("drop", "true"),
    ]

    @Test(
        "any sequence of steps keeps the record consistent and loses no copy", arguments: ScratchDatabase.all,
        [1, 2, 3])
    func sequences(scratch: ScratchDatabase, seed: Int) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let life = RandomLife(fixture: fixture, random: SeededBits(UInt64(seed)), names: ["t0", "t1", "t2", "t3"])
            var world = CopiesOnBackends()
            var story: [String] = []
            for moment in 1...800 {
                story.append(try await life.step(Int64(moment)))
                let violations = try await check(life, &world)
                guard violations.isEmpty else {
                    let tail = story.suffix(12).joined(separator: "\n")
                    Issue.record("seed \(seed), step \(moment): \(violations.joined(separator: "; "))\n\(tail)")
                    return
                }
            }
            // The walk has been everywhere: otherwise it proves nothing.
            for wanted in Self.milestones {
                let isSeen = story.contains { $0.hasPrefix(wanted.step) && $0.contains(wanted.outcome) }
                #expect(isSeen, "seed \(seed) never saw \(wanted)")
            }
        }
    }

    @Test("rivals that step at once keep the record consistent", arguments: ScratchDatabase.all)
    func rivals(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let names = ["t0", "t1", "t2"]
            for round in 0..<12 {
                _ = try await race(6) { rival in
                    let life = RandomLife(
                        fixture: fixture, random: SeededBits(UInt64(round * 100 + rival)), names: names)
                    for moment in 0..<10 { _ = try await life.step(Int64(round * 100 + moment)) }
                }
                for name in names {
                    let task = fixture.task(name)
                    guard let record = try await fixture.tasks.record(of: task) else { continue }
                    let attempts = try await fixture.tasks.attempts(of: task)
                    #expect(RecordInvariants.violations(of: record, attempts) == [])
                }
            }
        }
    }

    private func check(_ life: RandomLife, _ world: inout CopiesOnBackends) async throws -> [String] {
        var violations: [String] = []
        var attempts: [AttemptRecord] = []
        for name in life.names {
            let task = life.fixture.task(name)
            guard let record = try await life.fixture.tasks.record(of: task) else { continue }
            let own = try await life.fixture.tasks.attempts(of: task)
            violations += RecordInvariants.violations(of: record, own)
            attempts += own
        }
        var jobs: [CleanupJob] = []
        for backend in ["fra", "nyc", "sfo"] {
            jobs += try await life.fixture.record.cleanups.due(
                on: BackendName(recorded: backend), at: life.fixture.at(1_000_000), limit: 10_000)
        }
        return violations + world.violations(attempts, jobs)
    }
}

/// What lies on the backends as far as the record caused it: nothing of it may be forgotten.
private struct CopiesOnBackends {
    private struct Copy: Hashable {
        var backend: BackendName
        var name: BackendTaskID

        init(_ attempt: AttemptRecord) { (backend, name) = (attempt.backend, attempt.backendTask) }
        init(_ job: CleanupJob) { (backend, name) = (job.backend, job.backendTask) }
    }

    private var held: [AttemptKey: Copy] = [:]

    /// Compares the record with what was there a step before: what an attempt left is that attempt's still, or another's
    /// of the same name, or a clean-up's, or it was proven gone.
    mutating func violations(_ attempts: [AttemptRecord], _ jobs: [CleanupJob]) -> [String] {
        let before = held
        held = Dictionary(uniqueKeysWithValues: attempts.filter(\.mayHaveCopy).map { ($0.key, Copy($0)) })
        let known = Set(held.values).union(jobs.map { Copy($0) })
        let now = Dictionary(uniqueKeysWithValues: attempts.map { ($0.key, $0) })
        return before.compactMap { key, copy in
            if known.contains(copy) { return nil }
            // Proven gone by the release; or refused by the backend and named anew, so that nothing is under this name.
            if let attempt = now[key] {
                if [.released, .refused, .vanished].contains(attempt.outcome) { return nil }
                if attempt.isLive, Copy(attempt) != copy { return nil }
            }
            return "the copy \(copy.name) on \(copy.backend) is forgotten"
        }
    }
}
