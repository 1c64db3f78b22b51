/// Writes one line into memory that was reserved for all of it: a piece is copied without asking for room anew, which is most of
/// what a line of many small pieces costs.
public struct LogPen: ~Copyable {
    private let memory: UnsafeMutableBufferPointer<UInt8>
    /// Bytes written.
    private(set) var count = 0

    /// - Parameter memory: valid as long as this value; more than fits in it is a bug of the program and traps.
    init(_ memory: UnsafeMutableBufferPointer<UInt8>) { self.memory = memory }

    /// The most bytes that a text may take between quotes.
    /// - Parameter count: of its bytes.
    /// - Returns: what an escape for each byte takes.
    public static func quotedSize(_ count: Int) -> Int { 6 * count + 2 }

    /// The place of the next bytes, which then count as written.
    @inline(__always)
    private mutating func advance(_ length: Int) -> UnsafeMutablePointer<UInt8> {
        precondition(length <= memory.count - count, "a log line is longer than was reserved for it")
        defer { count += length }
        // No line is reserved without a byte.
        return memory.baseAddress.unsafelyUnwrapped + count
    }

    @inline(__always)
    private mutating func append(_ start: UnsafePointer<UInt8>, _ length: Int) {
        advance(length).update(from: start, count: length)
    }

    /// Appends constant text as it is.
    public mutating func append(_ text: StaticString) { append(text.utf8Start, text.utf8CodeUnitCount) }

    /// Appends bytes as they are; what they hold is the caller's business.
    public mutating func append(raw bytes: [UInt8]) {
        bytes.withUnsafeBufferPointer { append(raw: $0) }
    }

    private mutating func append(raw bytes: UnsafeBufferPointer<UInt8>) {
        if let start = bytes.baseAddress { append(start, bytes.count) }
    }

    mutating func append(_ moment: LogClock.Moment) {
        moment.span.withUnsafeBufferPointer { append(raw: $0) }
    }

    /// Appends a whole number in decimal.
    public mutating func append(_ number: Int64) {
        if number < 0 { append("-") }
        var rest = number.magnitude
        var (digits, limit) = (1, rest / 10)
        while limit > 0 { (digits, limit) = (digits + 1, limit / 10) }
        let start = advance(digits)
        for index in stride(from: digits - 1, through: 0, by: -1) {
            start[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
    }

    /// Appends untrusted bytes between quotes, escaped as `LogLine.appendQuoted` does.
    public mutating func appendQuoted(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard LogLine.isPlain(bytes) else {
            var escaped = LogLine()
            escaped.appendQuoted(UnsafeRawBufferPointer(bytes))
            return append(raw: escaped.bytes)
        }
        append("\"")
        append(raw: bytes)
        append("\"")
    }

    /// Appends the ids of a request, or of a step that takes its place, and of its trace.
    public mutating func append(_ trace: TraceContext, as format: LogFormat) {
        append(format == .json ? #","request":""# : " request=")
        append(trace.span)
        append(format == .json ? #"","trace":""# : " trace=")
        append(RequestID(bits: trace.traceHigh))
        append(RequestID(bits: trace.traceLow))
        if format == .json { append("\"") }
    }

    private mutating func append(_ id: RequestID) {
        let digits = id.digits
        withUnsafeBytes(of: digits) { append(raw: $0.assumingMemoryBound(to: UInt8.self)) }
    }
}
