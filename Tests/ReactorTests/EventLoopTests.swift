import Glibc
import Reactor
import Synchronization
import TestSupport
import Testing

@Suite("Event loop")
struct EventLoopTests {
    private final class Counter: Sendable { let value = Mutex(0) }

    @Test("a task that prefers a loop starts, sleeps and goes on there")
    func staysOnLoop() async throws {
        try await LoopRunner.onLoop { loop in
            #expect(loop.isCurrent)
            try await loop.sleep(for: .milliseconds(1))
            #expect(loop.isCurrent)
            #expect(EventLoop.current === loop)
            await loop.yieldToPoll()
            #expect(loop.isCurrent)
        }
    }

    @Test("a task resumed by another thread comes back to its loop")
    func comesBack() async throws {
        try await LoopRunner.onLoop { loop in
            let pool = BlockingPool(threads: 2)
            let wasElsewhere = try await pool.run { EventLoop.current == nil }
            #expect(wasElsewhere)
            #expect(loop.isCurrent)
        }
    }

    @Test("calls between concurrent functions and closures, and their returns, don't go through the queue of jobs")
    func noJobForACall() async throws {
        let seen = try await LoopRunner.onLoop { loop in
            let counter = Counter()
            let waiting = Task(executorPreference: loop) { counter.value.withLock { $0 = 1 } }
            let handler: @Sendable (Counter) async throws -> Int = { await Self.read($0) }
            let values = [await Self.read(counter), try await handler(counter), counter.value.withLock { $0 }]
            await waiting.value
            return values + [counter.value.withLock { $0 }]
        }
        #expect(seen == [0, 0, 0, 1])
    }

    @concurrent private static func read(_ counter: Counter) async -> Int { counter.value.withLock { $0 } }

    private actor Resident {
        let loop: EventLoop
        private(set) var visits = 0
        nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

        init(on loop: EventLoop) { self.loop = loop }

        func visit() -> Bool {
            visits += 1
            return loop.isCurrent
        }
    }

    @Test("an actor that lives on a loop runs there, whoever calls it, and may be entered by the loop's own actions")
    func residentActor() async throws {
        try await LoopRunner.onLoop { loop in
            let resident = Resident(on: loop)
            #expect(await resident.visit())
            #expect(loop.isCurrent)
            #expect(await Task.detached { await resident.visit() }.value)
            let visits = await withCheckedContinuation { (done: CheckedContinuation<Int, Never>) in
                loop.execute { done.resume(returning: resident.assumeIsolated { $0.visits }) }
            }
            #expect(visits == 2)
        }
    }

    @Test("at least one processor may be used, and no more than there are")
    func processors() {
        #expect((1...max(1, sysconf(Int32(_SC_NPROCESSORS_CONF)))).contains(EventLoopGroup.usableProcessors))
    }

    @Test("timers fire in the order of their moments, and a removed one never")
    func timerOrder() async throws {
        let order = try await LoopRunner.onLoop { loop in
            await withCheckedContinuation { (done: CheckedContinuation<[Int], Never>) in
                var order: [Int] = []
                loop.schedule(after: .milliseconds(9)) {
                    order.append(3)
                    done.resume(returning: order)
                }
                loop.schedule(after: .milliseconds(2)) { order.append(1) }
                let removed = loop.schedule(after: .milliseconds(3)) { order.append(99) }
                loop.schedule(after: .milliseconds(5)) { order.append(2) }
                loop.cancel(removed)
            }
        }
        #expect(order == [1, 2, 3])
    }

    @Test("a cancelled sleep ends at once")
    func cancelledSleep() async throws {
        try await LoopRunner.onLoop { loop in
            let sleeper = Task(executorPreference: loop) { try await loop.sleep(for: .seconds(3600)) }
            await loop.yieldToPoll()
            sleeper.cancel()
            await #expect(throws: CancellationError.self) { try await sleeper.value }
        }
    }

    @Test("10,000 actions from four threads all arrive")
    func executeFromElsewhere() async throws {
        let count = Counter()
        try await LoopRunner.onLoop { loop in
            let pool = BlockingPool(threads: 4)
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        try? await pool.run {
                            for _ in 0..<2500 { loop.execute { count.value.withLock { $0 += 1 } } }
                        }
                    }
                }
            }
            while count.value.withLock({ $0 }) < 10_000 { await loop.yieldToPoll() }
        }
        #expect(count.value.withLock { $0 } == 10_000)
    }

    @Test("an action before sleeping runs once, at the end of its turn")
    func beforeSleeping() async throws {
        let runs = Counter()
        try await LoopRunner.onLoop { loop in
            loop.beforeSleeping { runs.value.withLock { $0 += 1 } }
            #expect(runs.value.withLock { $0 } == 0)
            for _ in 0..<3 { await loop.yieldToPoll() }
        }
        #expect(runs.value.withLock { $0 } == 1)
    }
}
