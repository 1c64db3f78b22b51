internal import CShims
import Glibc

/// A connected stream socket, non-blocking and edge-triggered. Owns its descriptor; lives in one task on one loop.
///
/// Registered once with epoll, so a wait costs no system call. A short read proves the socket drained, and saves the read
/// that would only say so.
/// `@exclusivity(unchecked)`: see docs/decisions/0008-unchecked-on-the-loop.md.
public final class StreamSocket: EventSource {
    /// The socket's number; −1 once closed.
    @exclusivity(unchecked) public private(set) var descriptor: Int32
    /// The loop it lives on.
    public let loop: EventLoop
    /// A wait for data that lasts longer throws `timedOut`; exact to 100 ms.
    @exclusivity(unchecked) public var readDeadline: MonotonicTime?
    /// A wait for room that lasts longer throws `timedOut`; exact to 100 ms.
    @exclusivity(unchecked) public var writeDeadline: MonotonicTime?
    /// Whether the peer has shut its side, or the connection broke.
    @exclusivity(unchecked) public private(set) var peerHasClosed = false
    /// Called once when the peer closes, on the loop's thread: to end at once what was done for it.
    @exclusivity(unchecked) public var onPeerClose: (() -> Void)?
    /// Called on the loop's thread when something has come for who waits in `readable()`. True says that it is dealt with: the
    /// wait goes on, and its task isn't woken.
    @exclusivity(unchecked) public var onReadable: (() -> Bool)?
    /// Told in place of `readable()`, where no task reads: that something has come, that the socket was closed, or that
    /// `readDeadline` has passed. Who sets a deadline has it seen to by `armReadDeadline()`.
    @exclusivity(unchecked) public var readWatcher: (any ReadWatcher)?

    @exclusivity(unchecked) private var isReadReady = true
    @exclusivity(unchecked) private var isWriteReady = true
    @exclusivity(unchecked) private var reader: UnsafeContinuation<Void, Never>?
    @exclusivity(unchecked) private var writer: UnsafeContinuation<Void, Never>?
    @exclusivity(unchecked) private var readTimedOut = false
    @exclusivity(unchecked) private var writeTimedOut = false

    /// Takes over a connected descriptor.
    /// - Parameters:
    ///   - descriptor: owned from now on; made non-blocking.
    ///   - loop: whose thread calls this.
    public init(adopting descriptor: Int32, on loop: EventLoop) {
        self.descriptor = descriptor
        self.loop = loop
        super.init()
        shim_set_nonblocking(descriptor)
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
        let events = EPOLLIN.rawValue | EPOLLOUT.rawValue | EPOLLRDHUP.rawValue | EPOLLET.rawValue
        if (try? loop.register(self, descriptor: descriptor, events: events)) == nil { close() }
    }

    /// Connects.
    /// - Parameters:
    ///   - address: where to.
    ///   - loop: whose thread calls this, and on which the socket will live.
    ///   - deadline: when to give up.
    /// - Returns: the connected socket.
    /// - Throws: `refused`, `timedOut`, or `system`.
    public static func connect(
        to address: SocketAddress, on loop: EventLoop, deadline: MonotonicTime?
    ) async throws(ReactorError) -> StreamSocket {
        let descriptor = socket(address.family, Int32(SOCK_STREAM.rawValue) | 0o2_004_000, 0)  // NONBLOCK | CLOEXEC
        guard descriptor >= 0 else { throw ReactorError(errno: errno, during: "socket") }
        let result = address.withPointer { Glibc.connect(descriptor, $0, $1) }
        let number = errno
        guard result == 0 || number == EINPROGRESS else {
            Glibc.close(descriptor)
            throw ReactorError(errno: number, during: "connect to \(address)")
        }
        let stream = StreamSocket(adopting: descriptor, on: loop)
        if result != 0 { try await stream.finishConnecting(to: address, deadline: deadline) }
        return stream
    }

    private func finishConnecting(to address: SocketAddress, deadline: MonotonicTime?) async throws(ReactorError) {
        isWriteReady = false
        writeDeadline = deadline
        do { try await writable() } catch {
            close()
            throw ReactorError(error.code, errno: error.errno, "connect to \(address): \(error.message)")
        }
        writeDeadline = nil
        var number: Int32 = 0
        var size = socklen_t(4)
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &number, &size)
        guard number == 0 else {
            close()
            throw ReactorError(errno: number, during: "connect to \(address)")
        }
    }

    // MARK: Reading

    /// Reads what is there, waiting for the first byte.
    /// - Parameter buffer: not empty.
    /// - Returns: how many bytes came; 0 is the peer's end.
    /// - Throws: `timedOut`, `connectionReset`, `closed`.
    public func receive(into buffer: UnsafeMutableRawBufferPointer) async throws(ReactorError) -> Int {
        while true {
            if let count = try receiveNow(into: buffer) { return count }
            try await readable()
        }
    }

    /// Reads what is there.
    /// - Returns: how many bytes came, 0 at the peer's end, nil when reading would block.
    public func receiveNow(into buffer: UnsafeMutableRawBufferPointer) throws(ReactorError) -> Int? {
        while true {
            guard descriptor >= 0 else { throw .closed }
            guard isReadReady else { return nil }
            let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
            if count >= 0 {
                // After the peer's end no further edge comes, so the flag must stay up for the 0 that is due.
                if count < buffer.count, !peerHasClosed { isReadReady = false }
                return count
            }
            switch errno {
            case EAGAIN: isReadReady = false
            case EINTR: continue
            default: throw ReactorError(errno: errno, during: "receive")
            }
        }
    }

    /// Waits until reading can bring something: data, the end, or an error.
    public func readable() async throws(ReactorError) {
        loop.assertCurrent()
        guard descriptor >= 0 else { throw .closed }
        guard !isReadReady else { return }
        armReadDeadline()
        await withUnsafeContinuation { reader = $0 }
        guard descriptor >= 0 else { throw .closed }
        guard !readTimedOut else {
            readTimedOut = false
            throw .timedOut
        }
    }

    /// Has the wait in `readable()` end as if something had come: what was waited for has come in another way.
    public func endReadWait() { resumeReader() }

    /// Has `readDeadline` seen to for who doesn't wait in `readable()`, or waits on with another deadline.
    public func armReadDeadline() {
        if let readDeadline { loop.arm(self, for: readDeadline) }
    }

    /// To be called when somebody else's read (splice, readv) said that it would block.
    public func markReadDrained() { if !peerHasClosed { isReadReady = false } }

    // MARK: Writing

    /// Writes everything, waiting for room as often as needed.
    public func send(_ bytes: UnsafeRawBufferPointer) async throws(ReactorError) {
        var rest = bytes
        while true {
            let count = try sendNow(rest)
            if count == rest.count { return }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            try await writable()
        }
    }

    /// Writes what fits.
    /// - Returns: how many bytes were taken, possibly 0.
    public func sendNow(_ bytes: UnsafeRawBufferPointer) throws(ReactorError) -> Int {
        while true {
            guard descriptor >= 0 else { throw .closed }
            guard isWriteReady, !bytes.isEmpty else { return 0 }
            let count = Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            if count >= 0 {
                if count < bytes.count { isWriteReady = false }
                return count
            }
            switch errno {
            case EAGAIN: isWriteReady = false
            case EINTR: continue
            default: throw ReactorError(errno: errno, during: "send")
            }
        }
    }

    /// Waits until there is room to write.
    public func writable() async throws(ReactorError) {
        loop.assertCurrent()
        guard descriptor >= 0 else { throw .closed }
        guard !isWriteReady else { return }
        if let writeDeadline { loop.arm(self, for: writeDeadline) }
        await withUnsafeContinuation { writer = $0 }
        guard descriptor >= 0 else { throw .closed }
        guard !writeTimedOut else {
            writeTimedOut = false
            throw .timedOut
        }
    }

    /// To be called when somebody else's write (splice, writev) said that it would block.
    public func markWriteFull() { isWriteReady = false }

    // MARK: The end

    /// Tells the peer that nothing more will come; its answer can still be read.
    public func shutdownWrite() {
        guard descriptor >= 0 else { return }
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Closes the socket; who waits on it gets `closed`. Harmless the second time.
    public func close() {
        guard descriptor >= 0 else { return }
        loop.unregister(self, descriptor: descriptor)
        Glibc.close(descriptor)
        descriptor = -1
        onPeerClose = nil
        onReadable = nil
        let watcher = readWatcher
        readWatcher = nil
        resumeReader()
        resumeWriter()
        watcher?.readMayGoOn()
    }

    override func ready(_ events: UInt32) {
        let isEnd = events & (EPOLLRDHUP.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0
        if isEnd, !peerHasClosed {
            peerHasClosed = true
            let told = onPeerClose
            onPeerClose = nil
            told?()
        }
        if events & (EPOLLOUT.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 {
            isWriteReady = true
            resumeWriter()
        }
        if isEnd || events & EPOLLIN.rawValue != 0 {
            isReadReady = true
            if let readWatcher { return readWatcher.readMayGoOn() }
            if !isServedAtOnce() { resumeReader() }
        }
    }

    /// Whether what came is dealt with already, and the reader's wait goes on.
    private func isServedAtOnce() -> Bool {
        guard reader != nil, let onReadable, onReadable() else { return false }
        armReadDeadline()
        return true
    }

    override func deadlineReached(_ now: MonotonicTime) -> MonotonicTime? {
        if let readDeadline, readDeadline <= now {
            if let readWatcher {
                readWatcher.readTimedOut()
            } else if reader != nil {
                readTimedOut = true
                resumeReader()
            }
        }
        if let writeDeadline, writeDeadline <= now, writer != nil {
            writeTimedOut = true
            resumeWriter()
        }
        let waiting = [reader == nil && readWatcher == nil ? nil : readDeadline, writer == nil ? nil : writeDeadline]
        return waiting.compactMap { $0 }.min()
    }

    private func resumeReader() {
        let waiter = reader
        reader = nil
        waiter?.resume()
    }

    private func resumeWriter() {
        let waiter = writer
        writer = nil
        waiter?.resume()
    }
}
