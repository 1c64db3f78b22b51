import Model
import Reactor
import Testing

@testable import Gateway

@Suite("When a task is read")
struct ReadingScheduleTests {
    private static func id(_ number: Int) -> TaskID {
        guard let id = TaskID("task-\(number)") else { preconditionFailure("the test is wrong") }
        return id
    }

    private static func at(_ milliseconds: Int64) -> MonotonicTime {
        MonotonicTime(nanoseconds: 1_000_000_000 + milliseconds * 1_000_000)
    }

    /// Takes all that is due, moment by moment; every call is answered at once, and its task is due again after a pause.
    private static func run(
        _ schedule: inout ReadingSchedule, from begin: Int64, to end: Int64, pause: Duration
    ) -> [(moment: Int64, task: TaskID)] {
        var calls: [(Int64, TaskID)] = []
        for moment in begin..<end {
            while let task = schedule.next(at: at(moment)) {
                calls.append((moment, task))
                schedule.answered()
                schedule.again(task, at: at(moment) + pause)
            }
        }
        return calls
    }

    @Test("the pause follows demand: 1 s, half of it while tasks wait, 5 s where nobody asks")
    func pauses() {
        let policy = ReadingPolicy(refresh: .seconds(1))
        #expect(policy.pause(silence: .seconds(59), isWaiting: false, failures: 0) == .seconds(1))
        #expect(policy.pause(silence: .seconds(60), isWaiting: false, failures: 0) == .seconds(5))
        #expect(policy.pause(silence: .seconds(0), isWaiting: true, failures: 0) == .milliseconds(500))
        #expect(policy.pause(silence: .seconds(999), isWaiting: true, failures: 0) == .milliseconds(500))
    }

    @Test("a backend that doesn't answer is asked less and less, but at least every 5 s")
    func failures() {
        let policy = ReadingPolicy(refresh: .seconds(1))
        let pauses = (0..<6).map { policy.pause(silence: .zero, isWaiting: false, failures: $0) }
        #expect(pauses == [.seconds(1), .seconds(2), .seconds(4), .seconds(5), .seconds(5), .seconds(5)])
        #expect(policy.pause(silence: .zero, isWaiting: false, failures: .max) == .seconds(5))
    }

    @Test("each task has a moment of its own")
    func ownMoments() {
        var schedule = ReadingSchedule()
        schedule.add(Self.id(1), at: Self.at(0))
        schedule.add(Self.id(2), at: Self.at(300))
        let calls = Self.run(&schedule, from: 0, to: 2200, pause: .seconds(1))
        #expect(calls.map(\.moment) == [0, 300, 1000, 1300, 2000])
        #expect(calls.map(\.task) == [1, 2, 1, 2, 1].map(Self.id))
    }

    @Test("a backend gets at most 100 calls a second, and every task its turn")
    func rate() {
        var schedule = ReadingSchedule()
        for number in 0..<1000 { schedule.add(Self.id(number), at: Self.at(0)) }
        let calls = Self.run(&schedule, from: 0, to: 20_000, pause: .seconds(1))
        for second in 0..<20 {
            let inSecond = calls.count { $0.moment / 1000 == second }
            #expect(inSecond == 100)
        }
        let times = Dictionary(grouping: calls, by: \.task).mapValues(\.count)
        #expect(times.count == 1000)
        #expect(times.values.allSatisfy { $0 == 2 })
    }

    @Test("a wake-up that came late is made up for, but without a burst")
    func late() {
        var schedule = ReadingSchedule()
        for number in 0..<100 { schedule.add(Self.id(number), at: Self.at(0)) }
        #expect(Self.run(&schedule, from: 0, to: 1, pause: .seconds(60)).count == 1)
        #expect(Self.run(&schedule, from: 35, to: 36, pause: .seconds(60)).count == 3)
        #expect(Self.run(&schedule, from: 5000, to: 5001, pause: .seconds(60)).count <= 11)
    }

    @Test("calls without an answer don't pile up")
    func atOnce() {
        var schedule = ReadingSchedule()
        for number in 0..<100 { schedule.add(Self.id(number), at: Self.at(0)) }
        var taken: [TaskID] = []
        for moment in 0..<5000 { if let task = schedule.next(at: Self.at(Int64(moment))) { taken.append(task) } }
        #expect(taken.count == ReadingSchedule.mostAtOnce)
        #expect(schedule.wakeUp == nil)
        schedule.answered()
        #expect(schedule.wakeUp != nil)
        #expect(schedule.next(at: Self.at(5000)) != nil)
        #expect(schedule.next(at: Self.at(6000)) == nil)
    }

    @Test("a task that is asked for again, or a queue that begins to wait, brings moments forward, never back")
    func forward() {
        var schedule = ReadingSchedule()
        for number in 0..<3 { schedule.add(Self.id(number), at: Self.at(0)) }
        _ = Self.run(&schedule, from: 0, to: 100, pause: .seconds(5))
        schedule.add(Self.id(1), at: Self.at(200))
        #expect(schedule.wakeUp == Self.at(200))
        #expect(Self.run(&schedule, from: 200, to: 300, pause: .seconds(5)).map(\.task) == [Self.id(1)])
        schedule.hurry(to: Self.at(700))
        #expect(Self.run(&schedule, from: 300, to: 800, pause: .seconds(60)).map(\.moment) == [700, 700, 700])
        schedule.hurry(to: Self.at(100_000))
        let calls = Self.run(&schedule, from: 60_000, to: 62_000, pause: .seconds(90))
        #expect(calls.map(\.moment) == [60_700, 60_700, 60_700])
    }

    @Test("a task that is gone isn't read, and one that is being read isn't read twice")
    func gone() {
        var schedule = ReadingSchedule()
        schedule.add(Self.id(1), at: Self.at(0))
        schedule.remove(Self.id(1))
        #expect(schedule.next(at: Self.at(10)) == nil)
        schedule.add(Self.id(2), at: Self.at(20))
        #expect(schedule.next(at: Self.at(30)) == Self.id(2))
        schedule.add(Self.id(2), at: Self.at(40))
        #expect(schedule.next(at: Self.at(50)) == nil)
        schedule.remove(Self.id(2))
        schedule.again(Self.id(2), at: Self.at(60))
        #expect(schedule.next(at: Self.at(70)) == nil)
        #expect(schedule.count == 0)
    }

    @Test("a backend's silence doesn't count towards the grace, and its knowing the task ends it")
    func grace() {
        var grace = VanishingGrace()
        func miss(_ seconds: Int64) -> Bool {
            grace.missed(at: Self.at(seconds * 1000))
            return grace.isOver
        }
        #expect(!miss(0))
        #expect(!miss(1))
        #expect(!miss(299))
        #expect(miss(300))
        grace.known()
        #expect(!miss(400))
        #expect(!miss(800), "two confirmations are too few")
        #expect(miss(801))
        grace.known()
        #expect(!miss(1000))
        #expect(!miss(1200))
        grace.silent()
        #expect(!miss(9000), "it was silent in between")
        #expect(!miss(9099))
        #expect(miss(9100))
    }
}
