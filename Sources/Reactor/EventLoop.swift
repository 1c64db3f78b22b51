internal import CShims
import Glibc
import Synchronization

/// One thread, one epoll, one executor: handlers are `async` functions that start and stay here.
///
/// Start work on a loop with `Task(executorPreference: loop)`; plain async code in it keeps to the loop's thread, so a call
/// crosses no thread and takes no contended lock.
///
/// Invariant of `@unchecked Sendable`: `inbox` is guarded by its mutex, `owner` is atomic, and every other variable is
/// touched by the loop's own thread only (`assertCurrent`).
/// `@exclusivity(unchecked)`: see docs/decisions/0008-unchecked-on-the-loop.md.
public final class EventLoop: TaskExecutor, @unchecked Sendable {
    /// Identifies a timer until it fires.
    public struct TimerID: Hashable, Sendable { let number: UInt64 }

    /// A place in the loop's table. The generation tells a late event from one for the place's next tenant.
    struct Registration {
        let index: Int
        let generation: UInt32
        var token: UInt64 { UInt64(generation) << 32 | UInt64(index) }
    }

    /// A job on its way to its turn.
    struct Waiting {
        let job: UnownedJob
        /// Whether it is an actor's.
        let isIsolated: Bool
    }

    private struct Inbox {
        var jobs: [Waiting] = []
        var actions: [@Sendable () -> Void] = []
        var isSignalled = false
    }

    private struct Place {
        var generation: UInt32 = 0
        var source: EventSource?
    }

    /// For logs and metrics.
    public let name: String
    private let epoll: Int32
    private let wakeUp: Int32
    private let inbox = Mutex(Inbox())
    let owner = Atomic<UInt>(0)
    private let actorExecutor = ActorExecutor()

    // The loop's own.
    @exclusivity(unchecked) var jobs: [Waiting] = []
    @exclusivity(unchecked) private var places: [Place] = []
    private var freePlaces: [Int] = []
    @exclusivity(unchecked) private var timers = TimerHeap()
    @exclusivity(unchecked) private var wheel = DeadlineWheel(now: .now())
    @exclusivity(unchecked) private var afterPoll: [UnsafeContinuation<Void, Never>] = []
    @exclusivity(unchecked) private var endOfTurn: [() -> Void] = []
    @exclusivity(unchecked) private var isStopping = false
    @exclusivity(unchecked) private var cachedNow = MonotonicTime.now()

    /// Jobs run in one turn before the sockets get a look again: bounds the wait of a ready socket behind busy tasks.
    private static let jobsPerTurn = 4096
    private static let eventsPerPoll = 256
    private static let wakeUpToken = UInt64.max

    /// Creates the loop; `run()` brings it to life.
    /// - Parameter name: for logs and metrics.
    /// - Throws: `system` when no descriptor can be had.
    public init(name: String = "loop") throws(ReactorError) {
        self.name = name
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard epoll >= 0 else { throw ReactorError(errno: errno, during: "epoll_create1") }
        wakeUp = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard wakeUp >= 0 else {
            let number = errno
            Glibc.close(epoll)
            throw ReactorError(errno: number, during: "eventfd")
        }
        // Edge-triggered: each write is one event, and nobody has to read the counter.
        var event = epoll_event(events: EPOLLIN.rawValue | EPOLLET.rawValue, data: epoll_data_t(u64: Self.wakeUpToken))
        epoll_ctl(epoll, EPOLL_CTL_ADD, wakeUp, &event)
        actorExecutor.belong(to: self)
    }

    deinit {
        Glibc.close(epoll)
        Glibc.close(wakeUp)
    }

    // MARK: Where am I

    static let currentKey: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key, nil)
        return key
    }()

    /// The loop whose thread runs this code.
    public static var current: EventLoop? {
        guard let pointer = pthread_getspecific(currentKey) else { return nil }
        // Invariant: set by `run()` for as long as it runs, and `run()` keeps its loop alive.
        return Unmanaged<EventLoop>.fromOpaque(pointer).takeUnretainedValue()
    }

    /// Whether this code runs on the loop's thread.
    public var isCurrent: Bool { owner.load(ordering: .relaxed) == UInt(pthread_self()) }

    /// The time at which this turn began; at most a turn old.
    public var now: MonotonicTime { cachedNow }

    /// Traps in debug builds when called from another thread.
    func assertCurrent() { assert(isCurrent, "called off the thread of event loop \(name)") }

    // MARK: Executor

    /// Takes a task's job: without a lock from its own thread, else by the inbox and a wake-up.
    public func enqueue(_ job: consuming ExecutorJob) { enqueue(UnownedJob(job), isIsolated: false) }

    /// Takes a job that runs as a task's, or as an actor's.
    func enqueue(_ job: UnownedJob, isIsolated: Bool) {
        let waiting = Waiting(job: job, isIsolated: isIsolated)
        if isCurrent {
            jobs.append(waiting)
        } else {
            post { $0.jobs.append(waiting) }
        }
    }

    /// What an actor that lives on this loop returns as its `unownedExecutor`.
    public func asUnownedSerialExecutor() -> UnownedSerialExecutor { actorExecutor.asUnownedSerialExecutor() }

    /// Runs an action on the loop's thread; callable from any thread.
    public func execute(_ action: @escaping @Sendable () -> Void) { post { $0.actions.append(action) } }

    /// Lets `run()` return once the jobs at hand are done; callable from any thread.
    public func stop() { execute { self.isStopping = true } }

    private func post(_ change: (inout Inbox) -> Void) {
        let mustSignal = inbox.withLock { inbox in
            change(&inbox)
            defer { inbox.isSignalled = true }
            return !inbox.isSignalled
        }
        guard mustSignal else { return }
        var one: UInt64 = 1
        _ = write(wakeUp, &one, 8)
    }

    // MARK: The turn

    /// Serves the loop on this thread until `stop()`.
    public func run() {
        owner.store(UInt(pthread_self()), ordering: .relaxed)
        // Invariant: reset before this returns, and whoever calls it keeps the loop alive until then; hence unretained.
        pthread_setspecific(Self.currentKey, Unmanaged.passUnretained(self).toOpaque())
        defer { pthread_setspecific(Self.currentKey, nil) }
        withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: Self.eventsPerPoll) { events in
            takeInbox()
            while true {
                runJobs()
                runEndOfTurn()
                if isStopping, jobs.isEmpty { break }
                poll(into: events)
            }
        }
    }

    private func runJobs() {
        let serial = asUnownedSerialExecutor()
        let task = asUnownedTaskExecutor()
        var next = 0
        while next < jobs.count, next < Self.jobsPerTurn {
            let waiting = jobs[next]
            next += 1
            run(waiting, serial, task)
        }
        if next == jobs.count {
            jobs.removeAll(keepingCapacity: true)
        } else {
            jobs.removeFirst(next)
        }
    }

    @inline(__always)
    func run(_ waiting: Waiting, _ serial: UnownedSerialExecutor, _ task: UnownedTaskExecutor) {
        if waiting.isIsolated {
            waiting.job.runSynchronously(isolatedTo: serial, taskExecutor: task)
        } else {
            waiting.job.runSynchronously(on: task)
        }
    }

    private func runEndOfTurn() {
        guard !endOfTurn.isEmpty else { return }
        let actions = endOfTurn
        endOfTurn.removeAll(keepingCapacity: true)
        for action in actions { action() }
    }

    private func poll(into events: UnsafeMutableBufferPointer<epoll_event>) {
        let count = epoll_wait(epoll, events.baseAddress, Int32(events.count), pollTimeout())
        cachedNow = .now()
        var isSignalled = false
        if count > 0 {
            for event in events[..<Int(count)] {
                if event.data.u64 == Self.wakeUpToken {
                    isSignalled = true
                } else {
                    deliver(event)
                }
            }
        } else if count < 0 {
            precondition(errno == EINTR, "epoll_wait: \(errno)")  // EBADF or EFAULT: a bug, not a condition
        }
        fireTimers()
        for waiter in afterPoll { waiter.resume() }
        afterPoll.removeAll(keepingCapacity: true)
        if isSignalled { takeInbox() }
    }

    private func deliver(_ event: epoll_event) {
        let index = Int(event.data.u64 & 0xFFFF_FFFF)
        let generation = UInt32(truncatingIfNeeded: event.data.u64 >> 32)
        guard places[index].generation == generation, let source = places[index].source else { return }
        source.ready(event.events)
    }

    func takeInbox() {
        let (newJobs, actions) = inbox.withLock { inbox in
            let taken = (inbox.jobs, inbox.actions)
            inbox.jobs = []
            inbox.actions = []
            inbox.isSignalled = false
            return taken
        }
        jobs.append(contentsOf: newJobs)
        for action in actions { action() }
    }

    /// Milliseconds until the next timer, 0 while jobs wait, −1 without either.
    private func pollTimeout() -> Int32 {
        guard jobs.isEmpty, afterPoll.isEmpty, endOfTurn.isEmpty, !isStopping else { return 0 }
        let next = min(timers.earliest ?? .distantFuture, wheel.earliest ?? .distantFuture)
        guard next != .distantFuture else { return -1 }
        let wait = next.nanoseconds - MonotonicTime.now().nanoseconds
        return wait <= 0 ? 0 : Int32(min((wait + 999_999) / 1_000_000, 60_000))
    }

    private func fireTimers() {
        while let action = timers.popDue(cachedNow) { action() }
        for due in wheel.advance(to: cachedNow) where places[due.index].generation == due.generation {
            guard let source = places[due.index].source else { continue }
            source.armedTick = .max
            if let next = source.deadlineReached(cachedNow) { arm(source, for: next) }
        }
    }

    // MARK: Waiting

    /// Resumes after the next look at the sockets: what a long transfer calls when its budget is used up, so that others get
    /// their turn. (`Task.yield()` only spins within the turn.)
    public func yieldToPoll() async {
        assertCurrent()
        await withUnsafeContinuation { afterPoll.append($0) }
    }

    /// Runs an action once at the end of this turn, before the loop sleeps: for flushes that gather what a turn made.
    public func beforeSleeping(_ action: @escaping () -> Void) {
        assertCurrent()
        endOfTurn.append(action)
    }

    /// Runs an action later on this loop; on its own thread only.
    /// - Parameters:
    ///   - delay: at least so long; timers are exact to a millisecond.
    ///   - action: runs on the loop's thread, between jobs.
    /// - Returns: what `cancel` takes.
    @discardableResult
    public func schedule(after delay: Duration, _ action: @escaping () -> Void) -> TimerID {
        assertCurrent()
        return timers.insert(at: .now() + delay, action)
    }

    /// Forgets a timer; harmless once it has fired.
    public func cancel(_ timer: TimerID) {
        assertCurrent()
        timers.remove(timer)
    }

    /// Suspends the task.
    /// - Parameter duration: at least so long.
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    public func sleep(for duration: Duration) async throws {
        try Task.checkCancellation()
        let sleeper = Sleeper(loop: self)
        await withTaskCancellationHandler {
            await withUnsafeContinuation { sleeper.begin($0, duration) }
        } onCancel: {
            execute { sleeper.end() }
        }
        try Task.checkCancellation()
    }

    // MARK: Sources

    /// Puts a descriptor under watch; the table holds its source until `unregister`.
    func register(_ source: EventSource, descriptor: Int32, events: UInt32) throws(ReactorError) {
        assertCurrent()
        let index = freePlaces.popLast() ?? places.count
        if index == places.count { places.append(Place()) }
        let registration = Registration(index: index, generation: places[index].generation)
        var event = epoll_event(events: events, data: epoll_data_t(u64: registration.token))
        guard epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == 0 else {
            freePlaces.append(index)
            throw ReactorError(errno: errno, during: "epoll_ctl add")
        }
        places[index].source = source
        source.registration = registration
    }

    /// Changes what a source waits for.
    func modify(_ source: EventSource, descriptor: Int32, events: UInt32) {
        assertCurrent()
        guard let registration = source.registration else { return }
        var event = epoll_event(events: events, data: epoll_data_t(u64: registration.token))
        epoll_ctl(epoll, EPOLL_CTL_MOD, descriptor, &event)
    }

    /// Ends the watch; must come before the descriptor is closed, since numbers are reused.
    func unregister(_ source: EventSource, descriptor: Int32) {
        assertCurrent()
        guard let registration = source.registration else { return }
        source.registration = nil
        var event = epoll_event()
        epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, &event)
        places[registration.index].source = nil
        places[registration.index].generation &+= 1
        freePlaces.append(registration.index)
    }

    /// Has the wheel look at a source's deadlines, unless it will do so early enough anyway.
    func arm(_ source: EventSource, for deadline: MonotonicTime) {
        guard let registration = source.registration else { return }
        let tick = DeadlineWheel.tick(of: deadline)
        guard tick < source.armedTick else { return }
        source.armedTick = wheel.insert(registration, at: tick)
    }
}
