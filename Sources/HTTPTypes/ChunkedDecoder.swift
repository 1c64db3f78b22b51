/// Takes the chunked coding off a body (RFC 9112 §7.1), in place: data comes out as ranges of what went in.
///
/// A state machine that does no I/O. Chunk extensions and trailers are read, bounded and dropped.
public struct ChunkedDecoder: Sendable {
    /// What differs between those who send bodies.
    public struct Rules: Sendable {
        /// Whether blanks may stand behind a chunk's size.
        let allowsPadding: Bool
        let extensionLimit: Int
        let trailerLimit: Int

        /// Of a client: to the letter, for what two readers take differently lets a request be smuggled.
        public static let request = Rules(allowsPadding: false, extensionLimit: 256, trailerLimit: 8 * 1024)
        /// Of a server: old ones pad the size with blanks.
        public static let response = Rules(allowsPadding: true, extensionLimit: 4096, trailerLimit: 16 * 1024)
    }

    /// What is wrong with the coding.
    public struct Malformed: Error, Sendable, Equatable {
        /// One sentence for people.
        public let message: String

        init(_ message: StaticString) { self.message = message.description }
    }

    private enum State: Equatable {
        case sizeStart, size, padding, extensions, sizeLineFeed
        case data, dataReturn, dataLineFeed
        case trailerStart, trailer, trailerLineFeed, endLineFeed
        case finished
    }

    private let rules: Rules
    private var state = State.sizeStart
    private var size: UInt64 = 0
    private var digits = 0
    /// Bytes of this chunk's extensions, or of all trailers.
    private var overhead = 0
    private var hasTrailerName = false

    /// A decoder at the start of a body.
    public init(_ rules: Rules) { self.rules = rules }

    /// True when the last chunk and the trailers have been read.
    public var isFinished: Bool { state == .finished }

    /// Reads on until there is data or no more input.
    /// - Parameters:
    ///   - bytes: the input.
    ///   - position: where to read on; moved behind what was read.
    /// - Returns: the data, nil when more input is needed or the body has ended (`isFinished`).
    /// - Throws: `Malformed` for a broken size, a size that overflows, a missing CRLF, endless extensions or trailers.
    public mutating func next(
        in bytes: UnsafeRawBufferPointer, from position: inout Int
    ) throws(Malformed) -> Range<Int>? {
        while position < bytes.count, state != .finished {
            if state == .data {
                let count = Int(min(size, UInt64(bytes.count - position)))
                let range = position..<position + count
                position += count
                size -= UInt64(count)
                if size == 0 { state = .dataReturn }
                return range
            }
            try step(bytes[position])
            position += 1
        }
        return nil
    }

    private mutating func step(_ byte: UInt8) throws(Malformed) {
        switch state {
        case .sizeStart, .size: try sizeByte(byte)
        case .padding: try paddingByte(byte)
        case .extensions:
            if byte == ASCII.carriageReturn { state = .sizeLineFeed } else { try count(byte, rules.extensionLimit) }
        case .sizeLineFeed:
            try expect(byte, ASCII.lineFeed)
            overhead = 0
            state = size == 0 ? .trailerStart : .data
        case .dataReturn:
            try expect(byte, ASCII.carriageReturn)
            state = .dataLineFeed
        case .dataLineFeed:
            try expect(byte, ASCII.lineFeed)
            state = .sizeStart
        case .trailerStart, .trailer: try trailerByte(byte)
        case .trailerLineFeed:
            try expect(byte, ASCII.lineFeed)
            state = .trailerStart
        case .endLineFeed:
            try expect(byte, ASCII.lineFeed)
            state = .finished
        case .data, .finished: break
        }
    }

    private mutating func sizeByte(_ byte: UInt8) throws(Malformed) {
        if let digit = ASCII.hexValue(byte) {
            if state == .sizeStart {
                size = 0
                digits = 0
                overhead = 0
                state = .size
            }
            digits += 1
            // Bounded with leading zeros too; the top bit stays free, so that sums of sizes are far from overflowing.
            guard digits <= 16, size < 1 << 59 else { throw Malformed("a chunk's size is too large") }
            size = size << 4 | UInt64(digit)
            return
        }
        guard state == .size else { throw Self.noNumber }
        try sizeEnd(byte)
    }

    private mutating func paddingByte(_ byte: UInt8) throws(Malformed) {
        try count(byte, rules.extensionLimit, orReturn: true)
        try sizeEnd(byte)
    }

    /// What may stand behind a size's digits.
    private mutating func sizeEnd(_ byte: UInt8) throws(Malformed) {
        switch byte {
        case ASCII.carriageReturn: state = .sizeLineFeed
        case ASCII.semicolon: state = .extensions
        case ASCII.space, ASCII.tab:
            guard rules.allowsPadding else { throw Self.noNumber }
            state = .padding
        default: throw Self.noNumber
        }
    }

    private static var noNumber: Malformed { Malformed("a chunk's size is no hexadecimal number") }

    private mutating func trailerByte(_ byte: UInt8) throws(Malformed) {
        if byte == ASCII.carriageReturn {
            guard state == .trailerStart || hasTrailerName else { throw Malformed("a trailer has no name") }
            state = state == .trailerStart ? .endLineFeed : .trailerLineFeed
            return
        }
        if state == .trailerStart {
            guard ASCII.isToken(byte) else { throw Malformed("a trailer has no valid name") }
            hasTrailerName = false
            state = .trailer
        } else if byte == ASCII.colon {
            hasTrailerName = true
        } else if !hasTrailerName {
            guard ASCII.isToken(byte) else { throw Malformed("a trailer has no valid name") }
        }
        try count(byte, rules.trailerLimit)
    }

    private mutating func count(_ byte: UInt8, _ limit: Int, orReturn: Bool = false) throws(Malformed) {
        overhead += 1
        guard overhead <= limit else { throw Malformed("chunk extensions or trailers are too long") }
        guard ASCII.isFieldValue(byte) || (orReturn && byte == ASCII.carriageReturn) else {
            throw Malformed("chunk extensions or trailers have a control character")
        }
    }

    private func expect(_ byte: UInt8, _ wanted: UInt8) throws(Malformed) {
        guard byte == wanted else { throw Malformed("a chunk doesn't end with CRLF") }
    }
}
