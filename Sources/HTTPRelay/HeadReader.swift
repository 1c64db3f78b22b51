internal import HTTPTypes

/// Reads one complete head, line by line. Every line is known to end with CRLF.
struct HeadReader {
    private let bytes: UnsafeBufferPointer<UInt8>
    private let isShown: ResponseParser.FieldTest?
    private var position = 0
    private var contentLength: Int64?
    private var isChunked = false
    private var connection: String?
    private var saysClose = false
    private var saysKeepAlive = false

    /// - Parameters:
    ///   - bytes: the head, the empty line included.
    ///   - isShown: which end-to-end fields are kept; nil keeps all.
    init(bytes: UnsafeBufferPointer<UInt8>, keeping isShown: ResponseParser.FieldTest?) {
        self.bytes = bytes
        self.isShown = isShown
    }

    mutating func read(limits: ResponseParser.Limits, toHead: Bool) throws(RelayError) -> ResponseHead {
        guard ASCII.areHeadLines(bytes) else {
            throw RelayError(.badAnswer, "the upstream's head has a control character")
        }
        let (minorVersion, status) = try statusLine()
        var fields = try fieldLines(limit: limits.fields)
        if let connection {
            for name in HopByHopFields.named(by: connection) { fields.remove(name) }
        }
        let framing = try framing(status: status, minorVersion: minorVersion, toHead: toHead)
        return ResponseHead(
            status: status, minorVersion: minorVersion, framing: framing, contentLength: contentLength,
            keepsAlive: !saysClose && (minorVersion == 1 || saysKeepAlive) && framing != .untilClose,
            fields: fields)
    }

    /// `HTTP/1.1 200 OK` (RFC 9112 §4); the phrase may be missing with its blank, as some servers do.
    private mutating func statusLine() throws(RelayError) -> (minorVersion: Int, status: Int) {
        let line = try nextLine()
        guard line.count >= 12, matches(line, "HTTP/1."), bytes[line.lowerBound + 8] == ASCII.space,
            line.count == 12 || bytes[line.lowerBound + 12] == ASCII.space
        else { throw RelayError(.badAnswer, "the upstream's answer doesn't start with an HTTP/1 status line") }
        let minor = bytes[line.lowerBound + 7]
        guard minor == 0x30 || minor == 0x31 else {
            throw RelayError(.badAnswer, "the upstream answers in a version of HTTP/1 that doesn't exist")
        }
        var status = 0
        for index in line.lowerBound + 9..<line.lowerBound + 12 {
            guard ASCII.isDigit(bytes[index]) else {
                throw RelayError(.badAnswer, "the upstream's status is no number")
            }
            status = status * 10 + Int(bytes[index] - ASCII.zero)
        }
        guard status >= 100 else { throw RelayError(.badAnswer, "the upstream's status is below 100") }
        return (Int(minor - 0x30), status)
    }

    /// Copies the lines to keep into one array, verbatim, so that sending them on is one copy.
    private mutating func fieldLines(limit: Int) throws(RelayError) -> HTTPFields {
        var kept: [UInt8] = []
        kept.reserveCapacity(bytes.count)
        var entries: [HTTPFields.Entry] = []
        entries.reserveCapacity(12)
        var count = 0
        // Lines that lie one behind the other are copied together.
        var run = position..<position
        while true {
            let line = try nextLine()
            if line.isEmpty { break }
            count += 1
            guard count <= limit else { throw RelayError(.badAnswer, "the upstream's head has over \(limit) fields") }
            let (name, value) = try split(line)
            let nameBytes = UnsafeBufferPointer(rebasing: bytes[name])
            if try isTaken(nameBytes, value) { continue }
            if let isShown, !isShown(nameBytes) { continue }
            if line.lowerBound != run.upperBound {
                kept.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[run]))
                run = line
            }
            let shift = kept.count - run.lowerBound
            run = run.lowerBound..<line.upperBound + 2
            entries.append(
                HTTPFields.Entry(
                    nameStart: name.lowerBound + shift, nameEnd: name.upperBound + shift,
                    valueStart: value.lowerBound + shift, valueEnd: value.upperBound + shift))
        }
        kept.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[run]))
        return HTTPFields(adopting: kept, entries: entries, lines: 0)
    }

    /// Name and trimmed value. A line that starts with a blank (obs-fold) has no name and is refused with it.
    private func split(_ line: Range<Int>) throws(RelayError) -> (name: Range<Int>, value: Range<Int>) {
        var colon = line.lowerBound
        while ASCII.isToken(bytes[colon]) { colon += 1 }  // CRLF ends the line at the latest
        guard colon > line.lowerBound, colon < line.upperBound, bytes[colon] == ASCII.colon else {
            throw RelayError(.badAnswer, "the upstream's head has a line that is no field")
        }
        var start = colon + 1
        var end = line.upperBound
        while start < end, isBlank(bytes[start]) { start += 1 }
        while end > start, isBlank(bytes[end - 1]) { end -= 1 }
        return (line.lowerBound..<colon, start..<end)
    }

    /// Takes in what concerns this connection. True when the field isn't passed on.
    private mutating func isTaken(_ name: UnsafeBufferPointer<UInt8>, _ value: Range<Int>) throws(RelayError) -> Bool {
        if ASCII.spells(name, "content-length") {
            guard contentLength == nil else {
                throw RelayError(.badAnswer, "the upstream's head has Content-Length twice")
            }
            contentLength = try decimal(value)
            return true
        }
        guard HopByHopFields.contains(name) else { return false }
        if ASCII.spells(name, "transfer-encoding") {
            guard !isChunked, ASCII.spells(UnsafeBufferPointer(rebasing: bytes[value]), "chunked") else {
                throw RelayError(.badAnswer, "the upstream's Transfer-Encoding is not just \"chunked\"")
            }
            isChunked = true
        } else if ASCII.spells(name, "connection") {
            takeConnection(value)
        }
        return true
    }

    private mutating func takeConnection(_ value: Range<Int>) {
        let whole = UnsafeBufferPointer(rebasing: bytes[value])
        // The two usual values, without making a text.
        if ASCII.spells(whole, "keep-alive") {
            saysKeepAlive = true
        } else if ASCII.spells(whole, "close") {
            saysClose = true
        } else {
            let text = String(decoding: whole, as: UTF8.self)
            for part in text.split(separator: ",") {
                let word = ASCII.trimmed(part)
                if ASCII.equalIgnoringCase(word, "close") { saysClose = true }
                if ASCII.equalIgnoringCase(word, "keep-alive") { saysKeepAlive = true }
            }
            connection = connection.map { "\($0),\(text)" } ?? text
        }
    }

    private func decimal(_ range: Range<Int>) throws(RelayError) -> Int64 {
        var number: Int64 = 0
        // 18 digits can't overflow, and no body is longer.
        guard (1...18).contains(range.count) else {
            throw RelayError(.badAnswer, "the upstream's Content-Length is empty or absurd")
        }
        for index in range {
            guard ASCII.isDigit(bytes[index]) else {
                throw RelayError(.badAnswer, "the upstream's Content-Length is no number")
            }
            number = number * 10 + Int64(bytes[index] - ASCII.zero)
        }
        return number
    }

    /// RFC 9112 §6.3, but both framings at once are refused instead of preferring one.
    private func framing(status: Int, minorVersion: Int, toHead: Bool) throws(RelayError) -> BodyFraming {
        if isChunked, contentLength != nil {
            throw RelayError(.badAnswer, "the upstream's head has both Content-Length and Transfer-Encoding")
        }
        if isChunked, minorVersion == 0 {
            throw RelayError(.badAnswer, "the upstream sends chunks in HTTP/1.0, which has none")
        }
        if toHead || status < 200 || status == 204 || status == 304 { return .none }
        if isChunked { return .chunked }
        return contentLength.map { .length($0) } ?? .untilClose
    }

    /// The next line without its CRLF.
    private mutating func nextLine() throws(RelayError) -> Range<Int> {
        let start = position
        guard let feed = bytes.position(of: ASCII.lineFeed, from: start) else {
            throw RelayError(.badAnswer, "the upstream's head ends early")
        }
        guard feed > start else { throw RelayError(.badAnswer, "the upstream's head has a bare line feed") }
        position = feed + 1
        return start..<feed - 1
    }

    private func matches(_ line: Range<Int>, _ word: StaticString) -> Bool {
        for index in 0..<word.utf8CodeUnitCount where bytes[line.lowerBound + index] != word.utf8Start[index] {
            return false
        }
        return true
    }

    private func isBlank(_ byte: UInt8) -> Bool { byte == ASCII.space || byte == ASCII.tab }
}
