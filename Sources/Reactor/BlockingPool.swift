internal import CShims
import Glibc
import Synchronization

/// A few threads for what can block: the file system, DNS, SQLite, zip. With no threads the work runs inline, as the
/// single-threaded simulated world wants it.
///
/// Invariant of `@unchecked Sendable`: `queue` and `idle` are touched only under `lock`, a pthread mutex, because a Swift
/// `Mutex` has no condition variable.
public final class BlockingPool: @unchecked Sendable {
    private typealias Work = @Sendable () -> Void

    private let threadLimit: Int
    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private let hasWork: UnsafeMutablePointer<pthread_cond_t>
    private var queue = RingQueue<Work>()
    private var threadCount = 0
    private var idle = 0

    /// Starts no thread yet; they come as work does and live as long as the process.
    /// - Parameter threads: at most so many; 0 runs the work inline.
    public init(threads: Int) {
        threadLimit = threads
        lock = .allocate(capacity: 1)
        hasWork = .allocate(capacity: 1)
        pthread_mutex_init(lock, nil)
        pthread_cond_init(hasWork, nil)
    }

    /// Runs work on a thread of the pool; the caller's loop goes on meanwhile.
    /// - Parameter work: may block.
    /// - Returns: what the work returned.
    /// - Throws: what the work threw.
    public func run<Result: Sendable>(_ work: @escaping @Sendable () throws -> Result) async throws -> Result {
        guard threadLimit > 0 else { return try work() }
        return try await withUnsafeThrowingContinuation { continuation in
            submit { continuation.resume(with: Swift.Result { try work() }) }
        }
    }

    private func submit(_ work: @escaping Work) {
        pthread_mutex_lock(lock)
        queue.append(work)
        let mustStart = idle < queue.count && threadCount < threadLimit
        if mustStart { threadCount += 1 }
        pthread_mutex_unlock(lock)
        // Not before: the thread that wakes would first have to wait for the lock.
        pthread_cond_signal(hasWork)
        if mustStart { startThread() }
    }

    private func startThread() {
        var thread = pthread_t()
        // Retained for the thread's life: a pool lives as long as the process.
        let context = Unmanaged.passRetained(self).toOpaque()
        pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                shim_name_thread("blocking")
                Unmanaged<BlockingPool>.fromOpaque(context).takeUnretainedValue().serve()
                return nil
            }, context)
        pthread_detach(thread)
    }

    private func serve() {
        while true {
            pthread_mutex_lock(lock)
            idle += 1
            while queue.isEmpty { pthread_cond_wait(hasWork, lock) }
            idle -= 1
            let work = queue.popFirst()
            pthread_mutex_unlock(lock)
            work?()
        }
    }
}
