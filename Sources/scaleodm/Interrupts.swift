import Glibc
internal import Reactor
import Synchronization

/// Ctrl-C and SIGTERM of a verb that talks to a gateway: they end the work that is under way, not the program, so that the
/// verb can still clean up, ask and say what it left behind. With no such work they end the program.
final class Interrupts: Sendable {
    /// The work was ended by a signal.
    struct Interrupted: Error {}

    private static let signals = [SIGINT, SIGTERM]
    private let cancel = Mutex<(@Sendable () -> Void)?>(nil)
    private let loop: EventLoop

    init(loop: EventLoop) { self.loop = loop }

    /// To be called before any thread starts, so that every thread inherits the mask.
    static func block() { SignalStream.block(signals) }

    /// Listens for the rest of the program's life.
    func listen() async throws {
        for await _ in try SignalStream.open(Self.signals, on: loop) {
            guard let cancel = cancel.withLock({ $0 }) else { exit(1) }
            cancel()
        }
    }

    /// Does some work that a signal ends.
    /// - Throws: `Interrupted` after a signal, else what the work throws.
    func ending<Result: Sendable>(
        _ work: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let wasInterrupted = Mark()
        // Awaited below: a task of its own can be cancelled while this one goes on.
        let task = Task(executorPreference: loop) { try await work() }
        let before = cancel.withLock { cancel in
            defer {
                cancel = {
                    wasInterrupted.set()
                    task.cancel()
                }
            }
            return cancel
        }
        defer { cancel.withLock { $0 = before } }
        do {
            return try await withTaskCancellationHandler {
                try await task.value
            } onCancel: {
                task.cancel()
            }
        } catch {
            throw wasInterrupted.isSet ? Interrupted() : error
        }
    }

    /// Does some work that no signal ends, but for what in it is done with `ending`: cleaning up can't be missed.
    func shielding<Result>(_ work: () async throws -> Result) async rethrows -> Result {
        let before = cancel.withLock { cancel in
            defer { cancel = {} }
            return cancel
        }
        defer { cancel.withLock { $0 = before } }
        return try await work()
    }

    private final class Mark: Sendable {
        private let value = Mutex(false)
        var isSet: Bool { value.withLock { $0 } }
        func set() { value.withLock { $0 = true } }
    }
}
