import HTTPTypes

/// Goes once over a complete head, checks every byte, and notes where each part lies.
struct HeadScanner {
    private(set) var method = HTTPMethod.get
    private(set) var target = 0..<0
    private(set) var minorVersion = 1
    private(set) var fieldsStart = 0
    private(set) var entries: [HTTPFields.Entry] = []
    private(set) var facts = FramingFacts()

    init(fieldCount: Int) { entries.reserveCapacity(fieldCount) }

    /// Takes lines that each end with CRLF, the request line first, without the empty line.
    mutating func scan(_ bytes: UnsafeBufferPointer<UInt8>) throws(HTTPServerError) {
        var position = 0
        try requestLine(bytes, &position)
        fieldsStart = position
        while position < bytes.count { try fieldLine(bytes, &position) }
        try facts.check(minorVersion: minorVersion)
    }

    private mutating func requestLine(
        _ bytes: UnsafeBufferPointer<UInt8>, _ position: inout Int
    ) throws(HTTPServerError) {
        while position < bytes.count, ASCII.isToken(bytes[position]) { position += 1 }
        guard position > 0, bytes[position] == ASCII.space else { throw .bad("the request line has no valid method") }
        method = HTTPMethod(bytes: UnsafeBufferPointer(rebasing: bytes[..<position]))
        position += 1
        let start = position
        guard let end = bytes.position(of: ASCII.space, from: start), end > start,
            ASCII.areTarget(UnsafeBufferPointer(rebasing: bytes[start..<end]))
        else { throw .bad("the request target is malformed") }
        target = start..<end
        position = end + 1
        try version(bytes, &position)
        try checkTarget(bytes)
    }

    /// `HTTP/1.1` or `HTTP/1.0`, then CRLF.
    private mutating func version(
        _ bytes: UnsafeBufferPointer<UInt8>, _ position: inout Int
    ) throws(HTTPServerError) {
        let word: StaticString = "HTTP/"
        guard position + 10 <= bytes.count else { throw .bad("the request line has no HTTP version") }
        for index in 0..<5 where bytes[position + index] != word.utf8Start[index] {
            throw .bad("the request line has no HTTP version")
        }
        let (major, dot, minor) = (bytes[position + 5], bytes[position + 6], bytes[position + 7])
        guard ASCII.isDigit(major), dot == UInt8(ascii: "."), ASCII.isDigit(minor) else {
            throw .bad("the HTTP version is malformed; HTTP/1.1 and HTTP/1.0 are spoken here")
        }
        guard bytes[position + 8] == ASCII.carriageReturn, bytes[position + 9] == ASCII.lineFeed else {
            throw .bad("the request line ends badly")
        }
        guard major == UInt8(ascii: "1"), minor <= UInt8(ascii: "1") else {
            throw HTTPServerError(.unsupportedVersion, "only HTTP/1.1 and HTTP/1.0 are spoken here")
        }
        minorVersion = Int(minor - ASCII.zero)
        position += 10
    }

    /// Origin form, absolute form of http(s), or `*` with OPTIONS (RFC 9112 §3.2).
    private func checkTarget(_ bytes: UnsafeBufferPointer<UInt8>) throws(HTTPServerError) {
        if case .other("CONNECT") = method { throw HTTPServerError(.notImplemented, "CONNECT is not offered") }
        let text = UnsafeBufferPointer(rebasing: bytes[target])
        guard text.position(of: UInt8(ascii: "#")) == nil else { throw .bad("the request target has a fragment") }
        if text.first == ASCII.slash { return }
        if text.count == 1, text.first == UInt8(ascii: "*"), method == .options { return }
        for scheme in ["http://", "https://"] as [StaticString] where text.count > scheme.utf8CodeUnitCount {
            let length = scheme.utf8CodeUnitCount
            let wanted = UnsafeBufferPointer(start: scheme.utf8Start, count: length)
            guard ASCII.equalIgnoringCase(UnsafeBufferPointer(rebasing: text[..<length]), wanted) else { continue }
            let rest = UnsafeBufferPointer(rebasing: text[length...])
            let authority = rest.prefix { $0 != ASCII.slash && $0 != ASCII.question }
            guard !authority.isEmpty, FramingFacts.isHost(UnsafeBufferPointer(rebasing: authority)) else { break }
            return
        }
        throw .bad("the request target is neither a path nor an http URI")
    }

    private mutating func fieldLine(
        _ bytes: UnsafeBufferPointer<UInt8>, _ position: inout Int
    ) throws(HTTPServerError) {
        let nameStart = position
        while ASCII.isToken(bytes[position]) { position += 1 }  // CRLF ends the line at the latest
        let nameEnd = position
        guard bytes[position] == ASCII.colon, nameEnd > nameStart else {
            throw Self.nameError(bytes[position], isFirst: nameEnd == nameStart)
        }
        position += 1
        while bytes[position] == ASCII.space || bytes[position] == ASCII.tab { position += 1 }
        let valueStart = position
        guard let lineFeed = bytes.position(of: ASCII.lineFeed, from: valueStart), lineFeed > valueStart,
            bytes[lineFeed - 1] == ASCII.carriageReturn,
            ASCII.areFieldValue(UnsafeBufferPointer(rebasing: bytes[valueStart..<lineFeed - 1]))
        else { throw .bad("a field value has a control character") }
        var valueEnd = lineFeed - 1
        while valueEnd > valueStart, bytes[valueEnd - 1] == ASCII.space || bytes[valueEnd - 1] == ASCII.tab {
            valueEnd -= 1
        }
        position = lineFeed + 1
        entries.append(.init(nameStart: nameStart, nameEnd: nameEnd, valueStart: valueStart, valueEnd: valueEnd))
        try facts.note(
            name: UnsafeBufferPointer(rebasing: bytes[nameStart..<nameEnd]),
            value: UnsafeBufferPointer(rebasing: bytes[valueStart..<valueEnd]))
    }

    private static func nameError(_ byte: UInt8, isFirst: Bool) -> HTTPServerError {
        switch (byte, isFirst) {
        case (ASCII.space, true), (ASCII.tab, true): .bad("a field line is folded")
        case (ASCII.space, false), (ASCII.tab, false): .bad("a blank stands before a field's colon")
        default: .bad("a field line has no valid name")
        }
    }
}
