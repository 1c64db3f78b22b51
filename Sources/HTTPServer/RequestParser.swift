import HTTPTypes

/// Finds the end of a request's head in whatever pieces it comes, and parses it (RFC 9112).
///
/// Strict where another server might read the same bytes in another way, for that is how requests are smuggled: no bare
/// LF or CR, no folded lines, no blank before a colon, one way only to tell a body's length. What comes out doesn't
/// depend on how the bytes were cut. The head's bytes are copied once, into the array that the request then keeps.
struct RequestParser {
    private let limits: HeadLimits
    private var head: [UInt8] = []
    /// Complete lines in `head`, the request line among them.
    private var lines = 0
    /// Where the unfinished line starts in `head`.
    private var lineStart = 0
    private var skippedEmptyLine = false

    init(limits: HeadLimits) { self.limits = limits }

    /// True between requests: not a byte of the next one has come.
    var isAtStart: Bool { head.isEmpty && !skippedEmptyLine }

    /// Takes the next bytes.
    /// - Parameters:
    ///   - bytes: what came; may hold more than this head.
    ///   - consumed: set to how many of them belong to the head.
    /// - Returns: the head, or nil when more bytes are needed.
    /// - Throws: `badRequest`, `headTooLarge`, `unsupportedVersion`, `notImplemented`, `expectationFailed`; the
    ///   connection is then of no more use.
    mutating func feed(
        _ bytes: UnsafeBufferPointer<UInt8>, consumed: inout Int
    ) throws(HTTPServerError) -> RequestHead? {
        var start = 0  // of what belongs to the head
        var position = 0
        while let lineFeed = bytes.position(of: ASCII.lineFeed, from: position) {
            guard head.count + lineFeed + 1 - start <= limits.bytes else { throw tooManyBytes }
            let before = lineFeed > start ? bytes[lineFeed - 1] : head.last
            guard before == ASCII.carriageReturn else { throw .bad("a line ends without CR") }
            position = lineFeed + 1
            if head.count + lineFeed - start - 1 > lineStart {
                lines += 1
                guard lines <= limits.fields + 1 else {
                    throw HTTPServerError(.headTooLarge, "the head has more than \(limits.fields) fields")
                }
                lineStart = head.count + position - start
            } else if lines > 0 {
                consumed = position
                // Without the empty line, so that the fields' lines end the array; its CR may be there already.
                if position - 2 < start { head.removeLast() } else { append(bytes, start..<position - 2) }
                return try finish()
            } else {
                // One empty line before a request is forgiven: some clients end a body with it (RFC 9112 §2.2).
                guard !skippedEmptyLine else { throw .bad("empty lines come before the request") }
                skippedEmptyLine = true
                head.removeAll()
                start = position
            }
        }
        append(bytes, start..<bytes.count)
        consumed = bytes.count
        guard head.count < limits.bytes else { throw tooManyBytes }
        if let first = head.first, !ASCII.isToken(first), first != ASCII.carriageReturn {
            throw .bad("this is no HTTP request")
        }
        return nil
    }

    private var tooManyBytes: HTTPServerError {
        HTTPServerError(.headTooLarge, "the head has more than \(limits.bytes) bytes")
    }

    private mutating func append(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) {
        guard !range.isEmpty else { return }
        let piece = UnsafeBufferPointer(rebasing: bytes[range])
        if head.isEmpty { head = Array(piece) } else { head.append(contentsOf: piece) }
    }

    private mutating func finish() throws(HTTPServerError) -> RequestHead {
        let complete = head
        let fieldCount = lines - 1
        head = []
        lines = 0
        lineStart = 0
        skippedEmptyLine = false
        var scanner = HeadScanner(fieldCount: fieldCount)
        try complete.withUnsafeBufferPointer { bytes throws(HTTPServerError) in try scanner.scan(bytes) }
        let fields = HTTPFields(adopting: complete, entries: scanner.entries, lines: scanner.fieldsStart)
        let request = HTTPRequest(
            method: scanner.method, head: complete, target: scanner.target, minorVersion: scanner.minorVersion,
            fields: fields)
        return RequestHead(
            request: request, framing: scanner.facts.framing,
            keepsAlive: scanner.facts.keepsAlive(scanner.minorVersion),
            expectsContinue: scanner.facts.expectsContinue && scanner.minorVersion > 0)
    }
}

extension HTTPServerError {
    static func bad(_ message: String) -> HTTPServerError { HTTPServerError(.badRequest, message) }
}
