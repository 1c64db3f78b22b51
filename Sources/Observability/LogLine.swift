/// The bytes of log lines, written in place: what a line needs is appended without an allocation of its own.
public struct LogLine: Sendable {
    /// The bytes so far.
    public internal(set) var bytes: [UInt8] = []

    /// Starts empty.
    public init() {}

    /// Appends constant text as it is.
    public mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    /// Appends bytes as they are; what they hold is the caller's business.
    public mutating func append(raw buffer: UnsafeRawBufferPointer) { bytes.append(contentsOf: buffer) }

    /// Appends bytes as they are; what they hold is the caller's business.
    public mutating func append(raw array: [UInt8]) { bytes.append(contentsOf: array) }

    /// Appends a whole number in decimal.
    public mutating func append(_ number: Int64) {
        if number < 0 { bytes.append(UInt8(ascii: "-")) }
        let start = bytes.count
        var rest = number.magnitude
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        bytes[start...].reverse()
    }

    /// Appends text between quotes, escaped as JSON demands.
    public mutating func appendQuoted(_ text: String) {
        var text = text
        text.withUTF8 { utf8 in
            appendQuoted(UnsafeRawBufferPointer(utf8)) { bytes, index in
                let byte = bytes[index]
                if byte < 0x80 { return Self.isPlain(byte) ? nil : Escape(byte, length: 1) }
                // C2 80 … C2 9F are control characters too; some terminals obey them.
                guard byte == 0xC2, index + 1 < bytes.count, bytes[index + 1] < 0xA0 else { return nil }
                return Escape(bytes[index + 1], length: 2)
            }
        }
    }

    /// Appends untrusted bytes between quotes: escaped as JSON demands, what isn't ASCII as `\u00XX`.
    public mutating func appendQuoted(_ buffer: UnsafeRawBufferPointer) {
        appendQuoted(buffer) { bytes, index in Self.isPlain(bytes[index]) ? nil : Escape(bytes[index], length: 1) }
    }

    /// Appends untrusted bytes between quotes, as the one before.
    public mutating func appendQuoted(_ slice: ArraySlice<UInt8>) { slice.withUnsafeBytes { appendQuoted($0) } }

    /// What stands in the place of some bytes.
    private struct Escape {
        /// The character meant.
        let code: UInt8
        /// How many bytes it takes the place of.
        let length: Int

        init(_ code: UInt8, length: Int) {
            self.code = code
            self.length = length
        }
    }

    /// Appends what needs no escape in whole runs.
    @inline(__always)
    private mutating func appendQuoted(
        _ buffer: UnsafeRawBufferPointer, _ escape: (UnsafeRawBufferPointer, Int) -> Escape?
    ) {
        bytes.append(UInt8(ascii: "\""))
        var (start, index) = (0, 0)
        while index < buffer.count {
            guard let found = escape(buffer, index) else {
                index += 1
                continue
            }
            bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[start..<index]))
            appendEscaped(found.code)
            index += found.length
            start = index
        }
        bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[start...]))
        bytes.append(UInt8(ascii: "\""))
    }

    /// Whether nothing in these bytes needs an escape. Without branches and without a way out of the loop, so that the compiler makes
    /// of it one that takes sixteen bytes at a time.
    static func isPlain(_ buffer: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let start = buffer.baseAddress else { return true }
        var escapes: UInt8 = 0
        for index in 0..<buffer.count {
            let byte = start[index]
            escapes |= (byte < 0x20 ? 1 : 0) | (byte >= 0x7F ? 1 : 0)
            escapes |= (byte == UInt8(ascii: "\"") ? 1 : 0) | (byte == UInt8(ascii: "\\") ? 1 : 0)
        }
        return escapes == 0
    }

    /// Whether JSON takes an ASCII character as it is, and a terminal does nothing but show it.
    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x7F && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    mutating func append(_ moment: LogClock.Moment) {
        moment.span.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }

    mutating func append(_ value: LogValue, as format: LogFormat) {
        switch value {
        case .string(let text):
            if format == .text, Self.isPlain(text) {
                bytes.append(contentsOf: text.utf8)
            } else {
                appendQuoted(text)
            }
        case .integer(let number): append(number)
        case .real(let number):
            if number.isFinite || format == .text {
                bytes.append(contentsOf: number.description.utf8)
            } else {
                append("null")
            }
        case .bool(let truth): append(truth ? "true" : "false")
        }
    }

    mutating func append(_ metadata: [String: LogValue], as format: LogFormat) {
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            switch format {
            case .json:
                append(",")
                appendQuoted(key)
                append(":")
            case .text:
                append(" ")
                bytes.append(contentsOf: key.utf8)
                append("=")
            }
            append(value, as: format)
        }
    }

    /// Appends the ids of a request, or of a step that takes its place, and of its trace.
    public mutating func append(_ trace: TraceContext, as format: LogFormat) {
        append(format == .json ? #","request":""# : " request=")
        trace.span.append(to: &self)
        append(format == .json ? #"","trace":""# : " trace=")
        trace.appendTraceID(to: &self)
        if format == .json { append("\"") }
    }

    /// Appends a character that isn't plain; above 127 it is one of Latin-1.
    private mutating func appendEscaped(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): append("\\\"")
        case UInt8(ascii: "\\"): append("\\\\")
        case 0x0A: append("\\n")
        case 0x0D: append("\\r")
        case 0x09: append("\\t")
        default: appendUnicodeEscape(byte)
        }
    }

    private mutating func appendUnicodeEscape(_ byte: UInt8) {
        append("\\u00")
        for nibble in [byte >> 4, byte & 15] {
            bytes.append(nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10)
        }
    }

    /// Whether a value can stand bare after `key=`: an escape sequence or a forged second pair never does.
    private static func isPlain(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=") }
    }
}
