internal import CShims
import Glibc

/// The loops of the program, a thread each, shared-nothing.
///
/// Invariant of `@unchecked Sendable`: `threads` is written by `start()` and read by `stopAndJoin()`, which the owner calls
/// once each, in that order.
public final class EventLoopGroup: @unchecked Sendable {
    /// The processors that this program may use: `taskset` and a container's cpuset leave it fewer than the machine has.
    public static var usableProcessors: Int { Int(shim_usable_processors()) }

    /// In their order.
    public let loops: [EventLoop]
    private var threads: [pthread_t] = []

    /// Creates the loops without starting them.
    /// - Parameters:
    ///   - count: how many; one a core serves best.
    ///   - name: the loops are called `name-0`, `name-1`, …
    /// - Throws: `system` when no descriptor can be had.
    public init(loops count: Int, name: String = "loop") throws(ReactorError) {
        var loops: [EventLoop] = []
        for index in 0..<count { loops.append(try EventLoop(name: "\(name)-\(index)")) }
        self.loops = loops
    }

    /// Starts a thread for each loop.
    public func start() {
        for loop in loops {
            var thread = pthread_t()
            // Balanced by takeRetainedValue at the thread's start.
            let context = Unmanaged.passRetained(loop).toOpaque()
            pthread_create(
                &thread, nil,
                { context in
                    guard let context else { return nil }
                    let loop = Unmanaged<EventLoop>.fromOpaque(context).takeRetainedValue()
                    shim_name_thread(String(loop.name.prefix(15)))
                    loop.run()
                    return nil
                }, context)
            threads.append(thread)
        }
    }

    /// Ends the loops and waits for their threads; not from one of them.
    public func stopAndJoin() {
        for loop in loops { loop.stop() }
        for thread in threads { pthread_join(thread, nil) }
        threads = []
    }
}
