internal import CShims
import HTTPTypes

/// Finds the parts of a multipart body in whatever pieces it comes (RFC 2046 §5.1, RFC 7578). No I/O.
///
/// Data is told as ranges of the input, so nothing is copied. The delimiter starts with CR, which it has nowhere else: a
/// match that is broken off can only start again at the next CR, and what had matched is known, for it is the
/// delimiter's own beginning.
struct MultipartScanner {
    enum Event: Equatable {
        /// A part's head is complete: its lines, each with CRLF.
        case part([UInt8])
        /// Data of the current part: a range of the input.
        case data(Range<Int>)
        /// Data of the current part that had looked like the delimiter: so many bytes of its beginning.
        case delimiterPrefix(Int)
        /// The current part is complete.
        case partEnd
        /// The last delimiter was read; what follows is no part of the body.
        case end
    }

    private enum State: Equatable {
        /// Within the preamble or a part's data, with so many bytes of the delimiter matched.
        case content(matched: Int)
        case afterDelimiter, afterHyphen, padding, paddingLineFeed
        case head
        case finished
    }

    /// CR LF - - boundary.
    let delimiter: [UInt8]
    private let limits: MultipartLimits
    // A body may start with the boundary, as if a line had ended before it.
    private var state = State.content(matched: 2)
    private var isPreamble = true
    private var head: [UInt8] = []
    private var parts = 0
    private var overhead = 0

    /// - Throws: `malformedMultipart` for a boundary that is empty, too long or has strange characters.
    init(boundary: String, limits: MultipartLimits) throws(HTTPServerError) {
        let bytes = Array(boundary.utf8)
        guard !bytes.isEmpty, bytes.count <= 200, bytes.last != ASCII.space,
            bytes.allSatisfy({ ASCII.isTarget($0) || $0 == ASCII.space })
        else { throw .multipart("the multipart boundary is missing or malformed") }
        delimiter = [ASCII.carriageReturn, ASCII.lineFeed, ASCII.hyphen, ASCII.hyphen] + bytes
        self.limits = limits
    }

    /// True when the last delimiter was read.
    var isFinished: Bool { state == .finished }

    /// The next event; nil when more input is needed.
    mutating func next(
        in bytes: UnsafeBufferPointer<UInt8>, from position: inout Int
    ) throws(HTTPServerError) -> Event? {
        while position < bytes.count || state == .content(matched: delimiter.count) {
            let event: Event? =
                switch state {
                case .content(let matched): try content(matched, bytes, &position)
                case .head: try headByte(bytes, &position)
                case .finished: nil
                default: try betweenByte(bytes[position], &position)
                }
            if let event { return event }
            if state == .finished { position = bytes.count }
        }
        return nil
    }

    // MARK: Content

    private mutating func content(
        _ matched: Int, _ bytes: UnsafeBufferPointer<UInt8>, _ position: inout Int
    ) throws(HTTPServerError) -> Event? {
        if matched == delimiter.count {
            state = .afterDelimiter
            overhead = 0
            defer { isPreamble = false }
            return isPreamble ? nil : .partEnd
        }
        let start = position
        if matched > 0 {
            let event = resume(matched, bytes, &position)
            return try isPreamble ? skip(position - start) : event
        }
        let range = search(bytes, &position)
        if isPreamble { return try skip(position - start) }
        return range.isEmpty ? nil : .data(range)
    }

    /// Goes on with a match that an earlier piece had begun.
    private mutating func resume(
        _ matched: Int, _ bytes: UnsafeBufferPointer<UInt8>, _ position: inout Int
    ) -> Event? {
        var matched = matched
        while matched < delimiter.count, position < bytes.count {
            guard bytes[position] == delimiter[matched] else {
                state = .content(matched: 0)
                return .delimiterPrefix(matched)
            }
            matched += 1
            position += 1
        }
        state = .content(matched: matched)
        return nil
    }

    /// - Returns: the data before the delimiter, or before what may be its beginning at the input's end.
    private mutating func search(_ bytes: UnsafeBufferPointer<UInt8>, _ position: inout Int) -> Range<Int> {
        let start = position
        guard let base = bytes.baseAddress else { return start..<start }
        if let found = shim_find(base + start, bytes.count - start, delimiter, delimiter.count) {
            let end = found - UnsafeRawPointer(base)
            position = end + delimiter.count
            state = .content(matched: delimiter.count)
            return start..<end
        }
        position = bytes.count
        var tail = max(start, bytes.count - delimiter.count + 1)
        while tail < bytes.count {
            if bytes[tail] == ASCII.carriageReturn, isDelimiterStart(bytes, from: tail) {
                state = .content(matched: bytes.count - tail)
                return start..<tail
            }
            tail += 1
        }
        return start..<bytes.count
    }

    private func isDelimiterStart(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Bool {
        for index in start..<bytes.count where bytes[index] != delimiter[index - start] { return false }
        return true
    }

    /// Drops preamble, which nobody needs; bounded, so that a wrong boundary is told early.
    private mutating func skip(_ count: Int) throws(HTTPServerError) -> Event? {
        overhead += count
        guard overhead <= limits.preambleBytes else { throw .multipart("the multipart boundary doesn't occur") }
        return nil
    }

    // MARK: Between parts

    /// Behind a delimiter: `--` ends it all; blanks and CRLF begin a part.
    private mutating func betweenByte(_ byte: UInt8, _ position: inout Int) throws(HTTPServerError) -> Event? {
        position += 1
        switch (state, byte) {
        case (.afterDelimiter, ASCII.hyphen): state = .afterHyphen
        case (.afterHyphen, ASCII.hyphen):
            state = .finished
            return .end
        case (.afterDelimiter, ASCII.space), (.afterDelimiter, ASCII.tab), (.padding, ASCII.space),
            (.padding, ASCII.tab):
            state = .padding
            overhead += 1
            guard overhead <= 64 else { throw .multipart("a multipart boundary is followed by too many blanks") }
        case (.afterDelimiter, ASCII.carriageReturn), (.padding, ASCII.carriageReturn): state = .paddingLineFeed
        case (.paddingLineFeed, ASCII.lineFeed):
            parts += 1
            guard parts <= limits.parts else { throw .multipart("the multipart has more than \(limits.parts) parts") }
            state = .head
            head.removeAll(keepingCapacity: true)
        default: throw .multipart("a multipart boundary is followed by other text")
        }
        return nil
    }

    private mutating func headByte(
        _ bytes: UnsafeBufferPointer<UInt8>, _ position: inout Int
    ) throws(HTTPServerError) -> Event? {
        let byte = bytes[position]
        position += 1
        head.append(byte)
        guard head.count <= limits.headBytes else {
            throw .multipart("a part's head has more than \(limits.headBytes) bytes")
        }
        guard byte == ASCII.lineFeed else { return nil }
        guard head.count > 1, head[head.count - 2] == ASCII.carriageReturn else {
            throw .multipart("a line of a part's head ends without CR")
        }
        guard head.count == 2 || head[head.count - 3] == ASCII.lineFeed else { return nil }
        head.removeLast(2)
        state = .content(matched: 0)
        return .part(head)
    }
}

extension HTTPServerError {
    static func multipart(_ message: String) -> HTTPServerError { HTTPServerError(.malformedMultipart, message) }
}
