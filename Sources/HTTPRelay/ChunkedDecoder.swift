internal import HTTPTypes

/// Finds the data in a chunked body (RFC 9112 §7.1); a state machine that does no I/O.
///
/// Extensions are skipped and trailers dropped, both bounded: nothing but data is passed on.
public struct ChunkedDecoder: Sendable {
    /// What comes next in the input.
    public enum Step: Sendable, Equatable {
        /// Data of the body at this range of the input.
        case data(Range<Int>)
        /// The input is used up.
        case needsMore
        /// The body ended; the input goes on at this index.
        case end(Int)
    }

    private enum State: Sendable {
        case size, sizeBlank, `extension`, sizeFeed, data, dataReturn, dataFeed
        case trailerStart, trailer, trailerFeed, lastFeed, done
    }

    private var state = State.size
    private var remaining: Int64 = 0
    private var digits = 0
    /// Bytes of extensions in this chunk, or of trailers.
    private var extra = 0

    private static let extensionLimit = 4_096
    private static let trailerLimit = 16_384

    /// A decoder at the start of a body.
    public init() {}

    /// Goes on in the input.
    /// - Parameters:
    ///   - bytes: the bytes received.
    ///   - position: where to go on; moved past what was read.
    /// - Returns: what comes next.
    /// - Throws: `.badAnswer` for a broken size, a size that overflows, a missing CRLF, endless extensions or trailers.
    public mutating func next(
        in bytes: UnsafeRawBufferPointer, from position: inout Int
    ) throws(RelayError) -> Step {
        while position < bytes.count {
            if state == .data {
                let length = Int(min(remaining, Int64(bytes.count - position)))
                let range = position..<position + length
                position += length
                remaining -= Int64(length)
                if remaining == 0 { state = .dataReturn }
                return .data(range)
            }
            let byte = bytes[position]
            position += 1
            try take(byte)
            if state == .done { return .end(position) }
        }
        return state == .done ? .end(position) : .needsMore
    }

    private mutating func take(_ byte: UInt8) throws(RelayError) {
        switch state {
        case .size: try takeSize(byte)
        case .sizeBlank, .extension: try takeExtension(byte)
        case .sizeFeed:
            try expect(byte, ASCII.lineFeed)
            extra = 0
            state = remaining == 0 ? .trailerStart : .data
        case .dataReturn:
            try expect(byte, ASCII.carriageReturn)
            state = .dataFeed
        case .dataFeed:
            try expect(byte, ASCII.lineFeed)
            digits = 0
            state = .size
        case .trailerStart, .trailer: try takeTrailer(byte)
        case .trailerFeed:
            try expect(byte, ASCII.lineFeed)
            state = .trailerStart
        case .lastFeed:
            try expect(byte, ASCII.lineFeed)
            state = .done
        case .data, .done: break
        }
    }

    private mutating func takeSize(_ byte: UInt8) throws(RelayError) {
        if let digit = ASCII.hexValue(byte) {
            digits += 1
            // 15 digits fit Int64 without overflow; leading zeros count, for nobody needs more.
            guard digits <= 15 else { throw RelayError(.badAnswer, "the upstream's chunk size is absurd") }
            remaining = remaining << 4 | Int64(digit)
            return
        }
        guard digits > 0 else { throw RelayError(.badAnswer, "the upstream's chunk has no size") }
        switch byte {
        case ASCII.carriageReturn: state = .sizeFeed
        case ASCII.semicolon: state = .extension
        case ASCII.space, ASCII.tab: state = .sizeBlank
        default: throw RelayError(.badAnswer, "the upstream's chunk size is no hexadecimal number")
        }
    }

    private mutating func takeExtension(_ byte: UInt8) throws(RelayError) {
        extra += 1
        guard extra <= Self.extensionLimit else {
            throw RelayError(.badAnswer, "the upstream's chunk extensions are longer than \(Self.extensionLimit) bytes")
        }
        if byte == ASCII.carriageReturn {
            state = .sizeFeed
        } else if state == .sizeBlank {
            // Old servers pad the size with blanks; anything else after one is refused.
            if byte == ASCII.semicolon { state = .extension } else { try expectBlank(byte) }
        } else if !ASCII.isFieldValue(byte) {
            throw RelayError(.badAnswer, "the upstream's chunk extension has a control character")
        }
    }

    private mutating func takeTrailer(_ byte: UInt8) throws(RelayError) {
        extra += 1
        guard extra <= Self.trailerLimit else {
            throw RelayError(.badAnswer, "the upstream's trailers are longer than \(Self.trailerLimit) bytes")
        }
        if byte == ASCII.carriageReturn {
            state = state == .trailerStart ? .lastFeed : .trailerFeed
        } else if ASCII.isFieldValue(byte) {
            state = .trailer
        } else {
            throw RelayError(.badAnswer, "the upstream's trailer has a control character")
        }
    }

    private func expect(_ byte: UInt8, _ wanted: UInt8) throws(RelayError) {
        guard byte == wanted else { throw RelayError(.badAnswer, "the upstream's chunk isn't followed by CRLF") }
    }

    private func expectBlank(_ byte: UInt8) throws(RelayError) {
        guard byte == ASCII.space || byte == ASCII.tab else {
            throw RelayError(.badAnswer, "the upstream's chunk size is no hexadecimal number")
        }
    }
}
