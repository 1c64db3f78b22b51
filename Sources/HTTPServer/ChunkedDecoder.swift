import HTTPTypes

/// Takes the chunked coding off a body (RFC 9112 §7.1), in place: data comes out as ranges of what went in.
///
/// Chunk extensions and trailers are read, bounded and dropped.
struct ChunkedDecoder {
    private enum State: Equatable {
        case sizeStart, size, extensions, sizeLineFeed
        case data, dataReturn, dataLineFeed
        case trailerStart, trailer, trailerLineFeed, endLineFeed
        case finished
    }

    private var state = State.sizeStart
    private var size: UInt64 = 0
    private var digits = 0
    /// Bytes of this chunk's extensions, or of all trailers.
    private var overhead = 0
    private var hasTrailerName = false

    private static let extensionLimit = 256
    private static let trailerLimit = 8 * 1024

    /// True when the last chunk and the trailers have been read.
    var isFinished: Bool { state == .finished }

    /// Reads on until there is data or no more input.
    /// - Parameters:
    ///   - bytes: the input.
    ///   - position: where to read on; moved behind what was read.
    /// - Returns: the data, nil when more input is needed or the body has ended (`isFinished`).
    /// - Throws: `malformedChunk`.
    mutating func next(
        in bytes: UnsafeBufferPointer<UInt8>, from position: inout Int
    ) throws(HTTPServerError) -> Range<Int>? {
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

    private mutating func step(_ byte: UInt8) throws(HTTPServerError) {
        switch state {
        case .sizeStart, .size: try sizeByte(byte)
        case .extensions:
            if byte == ASCII.carriageReturn { state = .sizeLineFeed } else { try count(byte, Self.extensionLimit) }
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

    private mutating func sizeByte(_ byte: UInt8) throws(HTTPServerError) {
        if let digit = ASCII.hexValue(byte) {
            if state == .sizeStart {
                size = 0
                digits = 0
                state = .size
            }
            digits += 1
            // Bounded with leading zeros too; the top bit stays free, so that sums of sizes are far from overflowing.
            guard digits <= 16, size < 1 << 59 else { throw .chunk("a chunk's size is too large") }
            size = size << 4 | UInt64(digit)
        } else if state == .size, byte == ASCII.carriageReturn {
            state = .sizeLineFeed
        } else if state == .size, byte == ASCII.semicolon {
            overhead = 0
            state = .extensions
        } else {
            throw .chunk("a chunk's size is no hexadecimal number")
        }
    }

    private mutating func trailerByte(_ byte: UInt8) throws(HTTPServerError) {
        if byte == ASCII.carriageReturn {
            guard state == .trailerStart || hasTrailerName else { throw .chunk("a trailer has no name") }
            state = state == .trailerStart ? .endLineFeed : .trailerLineFeed
            return
        }
        if state == .trailerStart {
            guard ASCII.isToken(byte) else { throw .chunk("a trailer has no valid name") }
            hasTrailerName = false
            state = .trailer
        } else if byte == ASCII.colon {
            hasTrailerName = true
        } else if !hasTrailerName {
            guard ASCII.isToken(byte) else { throw .chunk("a trailer has no valid name") }
        }
        try count(byte, Self.trailerLimit)
    }

    private mutating func count(_ byte: UInt8, _ limit: Int) throws(HTTPServerError) {
        overhead += 1
        guard overhead <= limit else { throw .chunk("chunk extensions or trailers are too long") }
        guard ASCII.isFieldValue(byte) else { throw .chunk("chunk extensions or trailers have a control character") }
    }

    private func expect(_ byte: UInt8, _ wanted: UInt8) throws(HTTPServerError) {
        guard byte == wanted else { throw .chunk("a chunk doesn't end with CRLF") }
    }
}

extension HTTPServerError {
    static func chunk(_ message: String) -> HTTPServerError { HTTPServerError(.malformedChunk, message) }
}
