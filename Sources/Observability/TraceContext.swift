/// A request's place in a trace, as W3C's `traceparent` field carries it from program to program.
///
/// A value without storage of its own, so that giving a request one costs nothing but the digits.
public struct TraceContext: Sendable, Equatable {
    /// The trace's 128 bits.
    public let traceHigh: UInt64
    /// Their lower half.
    public let traceLow: UInt64
    /// This step's own id: also the id of the request in the log.
    public let span: RequestID
    /// The id of the step that caused this one; nil at a trace's beginning.
    public let parent: RequestID?
    /// Whether the trace is recorded.
    public let isSampled: Bool

    /// The context of what runs now, if it has one: what is asked of other servers carries it on.
    @TaskLocal public static var current: TraceContext?

    private static let ids = RequestIDSource()

    /// The beginning of a trace.
    public init(isSampled: Bool = true) {
        let (high, low, own) = Self.ids.nextThree()
        traceHigh = high.bits
        traceLow = low.bits
        span = own
        parent = nil
        self.isSampled = isSampled
    }

    /// What goes on from a caller's field; a beginning where there is none, or none that can be read.
    /// - Parameters:
    ///   - traceparent: `00-TRACE-SPAN-FLAGS` as it came.
    ///   - isSampled: whether a trace that begins here is recorded.
    public init(following traceparent: String?, isSampled: Bool = true) {
        guard let traceparent, let read = Self.read(traceparent) else {
            self.init(isSampled: isSampled)
            return
        }
        self = read
    }

    /// A step within this one.
    public func child() -> TraceContext {
        TraceContext(high: traceHigh, low: traceLow, parent: span, isSampled: isSampled)
    }

    private init(high: UInt64, low: UInt64, parent: RequestID, isSampled: Bool) {
        traceHigh = high
        traceLow = low
        span = Self.ids.next()
        self.parent = parent
        self.isSampled = isSampled
    }

    /// The field for a server that is asked within this step.
    public var traceparent: String { "00-\(traceID)-\(span)-\(isSampled ? "01" : "00")" }

    /// The trace's 32 digits.
    public var traceID: String { "\(RequestID(bits: traceHigh))\(RequestID(bits: traceLow))" }

    /// Appends the trace's 32 digits, without an allocation.
    public func appendTraceID(to line: inout LogLine) {
        RequestID(bits: traceHigh).append(to: &line)
        RequestID(bits: traceLow).append(to: &line)
    }

    /// Version 00 has four parts of fixed lengths in small letters; a later one may have more behind them.
    private static func read(_ text: String) -> TraceContext? {
        var text = text
        return text.withUTF8 { bytes -> TraceContext? in
            let dash = UInt8(ascii: "-")
            guard bytes.count >= 55, bytes[2] == dash, bytes[35] == dash, bytes[52] == dash,
                let version = number(bytes, 0, 2), version != 0xFF,
                bytes.count == 55 || (version > 0 && bytes[55] == dash),
                let high = number(bytes, 3, 16), let low = number(bytes, 19, 16), high != 0 || low != 0,
                let parent = number(bytes, 36, 16), parent != 0, let flags = number(bytes, 53, 2)
            else { return nil }
            return TraceContext(high: high, low: low, parent: RequestID(bits: parent), isSampled: flags & 1 == 1)
        }
    }

    private static func number(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, _ length: Int) -> UInt64? {
        var number: UInt64 = 0
        for index in start..<start + length {
            let nibble: UInt8
            switch bytes[index] {
            case 0x30...0x39: nibble = bytes[index] - 0x30
            case 0x61...0x66: nibble = bytes[index] - 0x57
            default: return nil
            }
            number = number << 4 | UInt64(nibble)
        }
        return number
    }
}
