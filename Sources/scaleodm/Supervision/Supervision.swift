import Glibc
internal import Reactor
import Synchronization

/// What the service manager is told while the gateway serves; without one everything here does nothing.
final class Supervision: Sendable {
    /// Who is told; nil: nobody.
    private let notifier: SystemdNotifier?
    /// How often a sign of life is sent; nil: never.
    let interval: Duration?
    private let isStarted = Mutex(false)

    /// A start that takes longer, since a database is waited for, is told of as done: `systemctl start` and whatever stands behind it
    /// don't wait for a server that is away, which /readyz tells of.
    static let patience = Duration.seconds(20)

    /// - Parameters:
    ///   - environment: the value of a variable.
    ///   - process: this process, which WATCHDOG_PID may name.
    init(environment: (String) -> String?, process: Int32 = getpid()) {
        notifier = SystemdNotifier(environment("NOTIFY_SOCKET"))
        interval = notifier == nil ? nil : Self.watchdogInterval(environment, process)
    }

    /// Half of the time after which the manager would end us, as sd_watchdog_enabled(3) recommends.
    private static func watchdogInterval(_ environment: (String) -> String?, _ process: Int32) -> Duration? {
        guard let limit = environment("WATCHDOG_USEC").flatMap({ Int64($0) }), limit > 0 else { return nil }
        if let named = environment("WATCHDOG_PID"), Int32(named) != process { return nil }
        return .microseconds(limit / 2)
    }

    /// Clients are served.
    func serving(_ address: String) {
        isStarted.withLock { $0 = true }
        notifier?.ready("serving on http://\(address)")
    }

    /// - Returns: whether the start wasn't over before.
    private func becomesStarted() -> Bool {
        isStarted.withLock { isStarted in
            defer { isStarted = true }
            return !isStarted
        }
    }

    /// The inventory is read anew; `reloaded` has to follow.
    func reloading() { notifier?.reloading() }

    /// The inventory was read anew, or refused.
    func reloaded(_ status: String) { notifier?.ready(status) }

    /// The end has begun.
    func draining() {
        isStarted.withLock { $0 = true }
        notifier?.stopping("draining")
    }

    /// Tells the manager again and again that the program is alive, while it is, and after a while that the start is over,
    /// whatever it still waits for. For the rest of the program's life.
    /// - Parameters:
    ///   - loop: where it waits; one that doesn't turn sends nothing either.
    ///   - patience: until a start that waits for something is over.
    ///   - isAlive: asked before each sign of life.
    /// - Throws: `CancellationError` at the end.
    func run(
        on loop: EventLoop, patience: Duration = Supervision.patience, while isAlive: @escaping @Sendable () -> Bool
    ) async throws {
        guard let notifier else { return }
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask(executorPreference: loop) { [self] in
                try await loop.sleep(for: patience)
                if becomesStarted() { notifier.ready("waiting: scaleodm health --ready tells for what") }
            }
            guard let interval else { return }
            group.addTask(executorPreference: loop) {
                while true {
                    if isAlive() { notifier.watchdog() }
                    try await loop.sleep(for: interval)
                }
            }
        }
    }
}
