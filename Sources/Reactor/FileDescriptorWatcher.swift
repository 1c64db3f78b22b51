internal import CShims
import Glibc

/// Watches a descriptor that a C library owns, level-triggered, and calls back on the loop's thread.
public final class FileDescriptorWatcher {
    /// What is waited for, and what came.
    public struct Interest: OptionSet, Sendable {
        /// Bits of this set.
        public let rawValue: UInt8
        /// Wraps the bits.
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        /// Data, a connection or an end can be read.
        public static let read = Interest(rawValue: 1)
        /// Writing won't block.
        public static let write = Interest(rawValue: 2)
        /// Both; also how an error or a hang-up is reported.
        public static let all: Interest = [.read, .write]
    }

    private final class Source: EventSource {
        var onReady: ((Interest) -> Void)?
        var onDeadline: (() -> Void)?
        var deadline: MonotonicTime?

        override func ready(_ events: UInt32) {
            var interest: Interest = []
            if events & EPOLLIN.rawValue != 0 { interest.insert(.read) }
            if events & EPOLLOUT.rawValue != 0 { interest.insert(.write) }
            if events & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0 { interest = .all }
            onReady?(interest)
        }

        override func deadlineReached(_ now: MonotonicTime) -> MonotonicTime? {
            guard let deadline else { return nil }
            guard deadline <= now else { return deadline }
            self.deadline = nil
            onDeadline?()
            return nil
        }
    }

    /// The descriptor under watch; not owned.
    public let descriptor: Int32
    private let loop: EventLoop
    private let source = Source()
    private var interest: Interest = []
    private var failure: ReactorError?

    /// Prepares a watch; nothing is watched before `watch` or `wait`.
    public init(descriptor: Int32, on loop: EventLoop) {
        self.descriptor = descriptor
        self.loop = loop
    }

    /// Replaces what is watched and whom it is told.
    /// - Parameters:
    ///   - interest: an empty set pauses the watch.
    ///   - onReady: called on the loop's thread for as long as the condition lasts.
    public func watch(_ interest: Interest, _ onReady: @escaping (Interest) -> Void) {
        source.onReady = onReady
        apply(interest)
    }

    /// Waits for one condition, once.
    /// - Parameters:
    ///   - interest: what to wait for.
    ///   - deadline: nil waits for ever; exact to 100 ms.
    /// - Throws: `timedOut` at the deadline, `system` when the descriptor can't be watched, `closed` after `close()`.
    public func wait(for interest: Interest, until deadline: MonotonicTime? = nil) async throws(ReactorError) {
        failure = nil
        await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            let resume = { [self] (failure: ReactorError?) in
                guard source.onDeadline != nil else { return }
                self.failure = failure
                source.onDeadline = nil
                source.deadline = nil
                apply([])
                continuation.resume()
            }
            source.onDeadline = { resume(.timedOut) }
            source.onReady = { _ in resume(nil) }
            onClose = { resume(.closed) }
            guard apply(interest) else { return resume(ReactorError(errno: errno, during: "epoll_ctl")) }
            source.deadline = deadline
            if let deadline { loop.arm(source, for: deadline) }
        }
        onClose = nil
        if let failure { throw failure }
    }

    /// Ends the watch; the descriptor stays open.
    public func close() {
        loop.unregister(source, descriptor: descriptor)
        interest = []
        onClose?()
        source.onReady = nil
    }

    private var onClose: (() -> Void)?

    @discardableResult
    private func apply(_ interest: Interest) -> Bool {
        guard interest != self.interest else { return true }
        var events: UInt32 = 0
        if interest.contains(.read) { events |= EPOLLIN.rawValue }
        if interest.contains(.write) { events |= EPOLLOUT.rawValue }
        if interest.isEmpty {
            // Unregistered rather than muted: epoll reports errors and hang-ups of a muted descriptor without end.
            loop.unregister(source, descriptor: descriptor)
        } else if source.registration != nil {
            loop.modify(source, descriptor: descriptor, events: events)
        } else if (try? loop.register(source, descriptor: descriptor, events: events)) == nil {
            return false
        }
        self.interest = interest
        return true
    }
}
