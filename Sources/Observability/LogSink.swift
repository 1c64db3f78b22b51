import Glibc
import Synchronization

/// Where all loggers of a program write: gathers lines and writes them in few system calls.
///
/// Lines are appended under a mutex that is held only for the copy. The one who writes holds another, and others
/// don't wait for it: they append, and the writer takes their lines along. Memory is bounded: while the descriptor's
/// reader is stuck and a mebibyte is waiting, lines are dropped and their number is told later.
public final class LogSink: Sendable {
    /// How lines look.
    public let format: LogFormat

    private struct State {
        var pending = LogLine()
        var clock = LogClock()
        var dropped: Int64 = 0
        /// A line of level warning or above is waiting.
        var urgent = false
    }

    private static let flushSize = 8 << 10
    private static let mostPending = 1 << 20
    private let state = Mutex(State())
    /// Held while writing.
    ///
    /// Its value is the spare buffer, which changes places with the full one.
    private let writer = Mutex(LogLine())
    private let write: @Sendable (UnsafeRawBufferPointer) -> Void
    private let now: @Sendable () -> Int64

    /// Writes to a descriptor, which stays open and is the caller's.
    /// - Parameters:
    ///   - descriptor: 2 is standard error.
    ///   - format: nil chooses text on a terminal, else JSON.
    public convenience init(descriptor: Int32 = 2, format: LogFormat? = nil) {
        self.init(
            format: format ?? (isatty(descriptor) == 1 ? .text : .json), now: LogClock.systemMilliseconds,
            write: { Self.writeAll($0, to: descriptor) })
    }

    /// Writes to anything, with any clock.
    /// - Parameters:
    ///   - format: how lines look.
    ///   - now: milliseconds since 1970.
    ///   - write: gets whole lines; called by one thread at a time.
    public init(
        format: LogFormat, now: @escaping @Sendable () -> Int64,
        write: @escaping @Sendable (UnsafeRawBufferPointer) -> Void
    ) {
        self.format = format
        self.now = now
        self.write = write
    }

    /// Writes what is gathered.
    ///
    /// Call it on a timer, before sleeping, and at the end of the program.
    public func flush() {
        writer.withLock { drain(&$0, over: 0) }
        writeUrgent()
    }

    /// Appends one line, its newline included, in place.
    func line(urgent: Bool, _ body: (_ line: inout LogLine, _ moment: LogClock.Moment) -> Void) {
        add(urgent: urgent) { line, moment in
            body(&line, moment)
            line.append("\n")
        }
    }

    /// Appends one line of known size, its moment and its newline included.
    func line(atMost size: Int, _ body: (_ pen: inout LogPen) -> Void) {
        add(urgent: false) { line, moment in
            line.bytes.append(addingCapacity: size + Self.frameSize) { bytes in
                bytes.withUnsafeMutableBufferPointer { memory, count in
                    var pen = LogPen(memory)
                    if format == .json { pen.append(#"{"time":""#) }
                    pen.append(moment)
                    if format == .json { pen.append("\"") }
                    body(&pen)
                    pen.append(format == .json ? "}\n" : "\n")
                    count = pen.count
                }
            }
        }
    }

    /// More than what stands around a line's own part.
    private static let frameSize = 64

    @inline(__always)
    private func add(urgent: Bool, _ body: (_ line: inout LogLine, _ moment: LogClock.Moment) -> Void) {
        let milliseconds = now()
        let full = state.withLock { state in
            guard state.pending.bytes.count < Self.mostPending else {
                state.dropped += 1
                return false
            }
            let moment = state.clock.moment(milliseconds)
            body(&state.pending, moment)
            state.urgent = state.urgent || urgent
            return state.pending.bytes.count >= Self.flushSize
        }
        if full { _ = writer.withLockIfAvailable { drain(&$0, over: Self.flushSize - 1) } }
        if urgent || full { writeUrgent() }
    }

    /// Whoever wrote looks again after it let the writer go: an urgent line that came meanwhile found it taken.
    private func writeUrgent() {
        while state.withLock({ $0.urgent }) {
            guard writer.withLockIfAvailable({ drain(&$0, over: 0) }) != nil else { return }
        }
    }

    /// Writes until at most so many bytes are gathered.
    private func drain(_ spare: inout LogLine, over size: Int) {
        while true {
            spare.bytes.removeAll(keepingCapacity: true)
            let dropped = state.withLock { state -> Int64? in
                guard state.pending.bytes.count > size || state.urgent else { return nil }
                swap(&state.pending, &spare)
                state.urgent = false
                defer { state.dropped = 0 }
                return state.dropped
            }
            guard let dropped else { return }
            if dropped > 0 { appendDropped(dropped, to: &spare) }
            spare.bytes.withUnsafeBytes(write)
        }
    }

    private func appendDropped(_ count: Int64, to line: inout LogLine) {
        switch format {
        case .json: line.append(#"{"level":"warning","message":"log lines were dropped","lines":"#)
        case .text: line.append("WARN  log lines were dropped lines=")
        }
        line.append(count)
        line.append(format == .json ? "}\n" : "\n")
    }

    /// Writes all of it; gives up on an error, since there is nowhere to report it.
    private static func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
            if written > 0 {
                rest = rest.dropFirst(written)
                continue
            }
            if written < 0, errno == EINTR { continue }
            guard written < 0, errno == EAGAIN else { return }
            var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            guard poll(&waiting, 1, 1000) > 0 else { return }
        }
    }
}
