import HTTPTypes

/// What the fields of a head say about body and connection: gathered line by line, judged at the end.
struct FramingFacts {
    private var contentLength: Int64?
    private var isChunked = false
    private var hosts = 0
    private var saysClose = false
    private var saysKeepAlive = false
    private(set) var expectsContinue = false

    /// How the body ends; only meaningful after `check`.
    var framing: BodyFraming {
        if isChunked { return .chunked }
        return contentLength.map { $0 == 0 ? .none : .length($0) } ?? .none
    }

    /// True when another request may follow (RFC 9112 §9.3).
    func keepsAlive(_ minorVersion: Int) -> Bool { !saysClose && (minorVersion > 0 || saysKeepAlive) }

    /// Takes one field; only five names matter, told apart by their length first.
    mutating func note(
        name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>
    ) throws(HTTPServerError) {
        switch name.count {
        case 4 where ASCII.spells(name, "host"): try noteHost(value)
        case 6 where ASCII.spells(name, "expect"): try noteExpectation(value)
        case 10 where ASCII.spells(name, "connection"): noteConnection(value)
        case 14 where ASCII.spells(name, "content-length"): try noteLength(value)
        case 17 where ASCII.spells(name, "transfer-encoding"): try noteCoding(value)
        default: break
        }
    }

    /// The rules that need the whole head.
    func check(minorVersion: Int) throws(HTTPServerError) {
        guard hosts == 1 || minorVersion == 0 else { throw .bad("HTTP/1.1 needs a Host field") }
        guard isChunked else { return }
        guard contentLength == nil else { throw .bad("Content-Length and Transfer-Encoding come together") }
        guard minorVersion > 0 else { throw .bad("HTTP/1.0 has no Transfer-Encoding") }
    }

    private mutating func noteHost(_ value: UnsafeBufferPointer<UInt8>) throws(HTTPServerError) {
        hosts += 1
        guard hosts == 1 else { throw .bad("there is more than one Host field") }
        guard Self.isHost(value) else { throw .bad("the Host field is malformed") }
    }

    private mutating func noteExpectation(_ value: UnsafeBufferPointer<UInt8>) throws(HTTPServerError) {
        guard ASCII.spells(value, "100-continue") else {
            throw HTTPServerError(.expectationFailed, "only Expect: 100-continue is understood")
        }
        expectsContinue = true
    }

    private mutating func noteConnection(_ value: UnsafeBufferPointer<UInt8>) {
        var start = 0
        while start <= value.count {
            var end = start
            while end < value.count, value[end] != ASCII.comma { end += 1 }
            var (first, last) = (start, end)
            while first < last, value[first] == ASCII.space || value[first] == ASCII.tab { first += 1 }
            while last > first, value[last - 1] == ASCII.space || value[last - 1] == ASCII.tab { last -= 1 }
            let word = UnsafeBufferPointer(rebasing: value[first..<last])
            if ASCII.spells(word, "close") { saysClose = true }
            if ASCII.spells(word, "keep-alive") { saysKeepAlive = true }
            start = end + 1
        }
    }

    /// Digits only, at most Int64's; a second line is refused even when it agrees.
    private mutating func noteLength(_ value: UnsafeBufferPointer<UInt8>) throws(HTTPServerError) {
        guard contentLength == nil else { throw .bad("there is more than one Content-Length field") }
        guard !value.isEmpty else { throw .bad("Content-Length is empty") }
        var length: Int64 = 0
        for byte in value {
            guard ASCII.isDigit(byte) else { throw .bad("Content-Length is no number") }
            let (product, tooLarge) = length.multipliedReportingOverflow(by: 10)
            let (sum, overflow) = product.addingReportingOverflow(Int64(byte - ASCII.zero))
            guard !tooLarge, !overflow else { throw .bad("Content-Length is too large") }
            length = sum
        }
        contentLength = length
    }

    private mutating func noteCoding(_ value: UnsafeBufferPointer<UInt8>) throws(HTTPServerError) {
        guard !isChunked else { throw .bad("there is more than one Transfer-Encoding field") }
        guard ASCII.spells(value, "chunked") else {
            throw HTTPServerError(.notImplemented, "only the transfer coding \"chunked\" is understood")
        }
        isChunked = true
    }

    /// What a Host field and an authority may hold: no blanks, no delimiters of other URI parts, no user.
    static func isHost(_ value: UnsafeBufferPointer<UInt8>) -> Bool {
        let hasDelimiter = value.hasAny { byte in
            ASCII.bit(byte == ASCII.slash) | ASCII.bit(byte == ASCII.question) | ASCII.bit(byte == ASCII.backslash)
                | ASCII.bit(byte == ASCII.comma) | ASCII.bit(byte == ASCII.quote) | ASCII.bit(byte == UInt8(ascii: "#"))
                | ASCII.bit(byte == UInt8(ascii: "@")) | ASCII.bit(byte == UInt8(ascii: "<"))
                | ASCII.bit(byte == UInt8(ascii: ">"))
        }
        return !hasDelimiter && ASCII.areTarget(value)
    }
}
