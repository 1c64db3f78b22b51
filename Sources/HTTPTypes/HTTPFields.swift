/// The fields of a message: ordered pairs of name and value, looked up without regard to case.
///
/// All lines lie in one array of bytes, beside one array of offsets: a parsed head costs two allocations however many
/// fields it has, and nothing becomes a `String` before somebody asks for it. Lines that were only appended are
/// already as they go over the wire, so that sending them is one copy.
public struct HTTPFields: Sendable {
    /// Where one field's name and value lie in the array of bytes.
    public struct Entry: Sendable {
        var nameStart: UInt32
        var nameLength: UInt32
        var valueStart: UInt32
        var valueLength: UInt32

        /// - Parameters: offsets into the head's bytes; a parser has checked them.
        @inlinable
        public init(nameStart: Int, nameEnd: Int, valueStart: Int, valueEnd: Int) {
            self.init(
                UInt32(truncatingIfNeeded: nameStart), UInt32(truncatingIfNeeded: nameEnd - nameStart),
                UInt32(truncatingIfNeeded: valueStart), UInt32(truncatingIfNeeded: valueEnd - valueStart))
        }

        @usableFromInline
        init(_ nameStart: UInt32, _ nameLength: UInt32, _ valueStart: UInt32, _ valueLength: UInt32) {
            self.nameStart = nameStart
            self.nameLength = nameLength
            self.valueStart = valueStart
            self.valueLength = valueLength
        }

        var name: Range<Int> { Int(nameStart)..<Int(nameStart) + Int(nameLength) }
        var value: Range<Int> { Int(valueStart)..<Int(valueStart) + Int(valueLength) }
    }

    private(set) var bytes: [UInt8]
    private(set) var entries: [Entry]
    /// The part of `bytes` that is exactly the field lines in order; nil when a removal has made a hole.
    private var wire: Range<Int>?

    /// No fields yet.
    public init() {
        bytes = []
        entries = []
        wire = 0..<0
    }

    /// The fields of a parsed head.
    /// - Parameters:
    ///   - head: the head's bytes up to and with the last field's CRLF, start line and all.
    ///   - entries: where each field lies in `head`; every offset is inside it.
    ///   - lines: where the first field line starts in `head`.
    public init(adopting head: [UInt8], entries: [Entry], lines: Int) {
        bytes = head
        self.entries = entries
        wire = lines..<head.count
    }

    /// How many field lines there are.
    public var count: Int { entries.count }
    /// True when there is no field.
    public var isEmpty: Bool { entries.isEmpty }

    /// The first value of the field, nil without one; setting replaces all of its lines by one, or removes them.
    public subscript(_ name: HTTPField.Name) -> String? {
        get { firstIndex(of: name).map { text(entries[$0].value) } }
        set {
            remove(name)
            if let newValue { append(name, newValue) }
        }
    }

    /// True when there is at least one line of that name.
    public func contains(_ name: HTTPField.Name) -> Bool { firstIndex(of: name) != nil }

    /// All values of that name, in order.
    public func values(_ name: HTTPField.Name) -> [String] {
        lines(of: name).map { text(entries[$0].value) }
    }

    /// Adds a line at the end; line breaks and NULs in `value` become blanks, so that no value can add a line.
    public mutating func append(_ name: HTTPField.Name, _ value: String) {
        let start = bytes.count
        let nameLength = name.text.utf8.count
        bytes.reserveCapacity(start + nameLength + value.utf8.count + 4)
        bytes.append(contentsOf: name.text.utf8)
        bytes.append(ASCII.colon)
        bytes.append(ASCII.space)
        let valueStart = bytes.count
        bytes.append(contentsOf: value.utf8)
        for index in valueStart..<bytes.count where !ASCII.isFieldValue(bytes[index]) { bytes[index] = ASCII.space }
        endLine(start: start, nameLength: nameLength)
    }

    /// Adds a line with a number, without a text in between.
    public mutating func append(_ name: HTTPField.Name, _ number: Int64) {
        let start = bytes.count
        let nameLength = name.text.utf8.count
        bytes.append(contentsOf: name.text.utf8)
        bytes.append(ASCII.colon)
        bytes.append(ASCII.space)
        bytes.appendDecimal(number)
        endLine(start: start, nameLength: nameLength)
    }

    /// Replaces all lines of that name by one.
    public mutating func set(_ name: HTTPField.Name, _ value: String) { self[name] = value }

    /// Removes all lines of that name.
    public mutating func remove(_ name: HTTPField.Name) {
        let removed = lines(of: name)
        guard !removed.isEmpty else { return }
        for index in removed.reversed() { entries.remove(at: index) }
        if entries.isEmpty {
            bytes = []
            wire = 0..<0
        } else {
            wire = nil
        }
    }

    /// The lines whose name passes the test, in their order: for proxies, which pass on what they know.
    ///
    /// `isIncluded` gets the name's bytes as they were written. The bytes of the others stay where they are, unseen.
    public func only(where isIncluded: (UnsafeBufferPointer<UInt8>) -> Bool) -> HTTPFields {
        var kept = self
        kept.entries = []
        // With room for what the caller adds.
        kept.entries.reserveCapacity(entries.count + 2)
        bytes.withUnsafeBufferPointer { bytes in
            for entry in entries where isIncluded(UnsafeBufferPointer(rebasing: bytes[entry.name])) {
                kept.entries.append(entry)
            }
        }
        if kept.entries.count < entries.count { kept.wire = nil }
        return kept
    }

    /// Whether the name of a line passes the test, which gets its bytes as they were written.
    public func containsName(where isWanted: (UnsafeBufferPointer<UInt8>) -> Bool) -> Bool {
        bytes.withUnsafeBufferPointer { bytes in
            entries.contains { isWanted(UnsafeBufferPointer(rebasing: bytes[$0.name])) }
        }
    }

    /// Makes room for lines to come, so that a head built by hand allocates once.
    public mutating func reserve(lines: Int, bytes count: Int) {
        entries.reserveCapacity(lines)
        bytes.reserveCapacity(count)
    }

    private mutating func endLine(start: Int, nameLength: Int) {
        let valueStart = start + nameLength + 2
        entries.append(
            Entry(nameStart: start, nameEnd: start + nameLength, valueStart: valueStart, valueEnd: bytes.count))
        bytes.append(ASCII.carriageReturn)
        bytes.append(ASCII.lineFeed)
        if let range = wire, range.upperBound == start { wire = range.lowerBound..<bytes.count } else { wire = nil }
    }

    func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    func firstIndex(of name: HTTPField.Name) -> Int? { index(of: name, from: 0) }

    private func lines(of name: HTTPField.Name) -> [Int] {
        var found: [Int] = []
        while let next = index(of: name, from: (found.last ?? -1) + 1) { found.append(next) }
        return found
    }

    private func index(of name: HTTPField.Name, from start: Int) -> Int? {
        var text = name.text
        return text.withUTF8 { name in
            bytes.withUnsafeBufferPointer { bytes in
                for index in start..<entries.count where Int(entries[index].nameLength) == name.count {
                    let candidate = UnsafeBufferPointer(rebasing: bytes[entries[index].name])
                    if ASCII.equalIgnoringCase(candidate, name) { return index }
                }
                return nil
            }
        }
    }

    /// Appends all lines, each with its CRLF, as they go over the wire.
    public func write(to output: inout [UInt8]) {
        if let wire {
            output.append(contentsOf: bytes[wire])
            return
        }
        bytes.withUnsafeBufferPointer { bytes in
            // Lines that lie one behind the other are copied together.
            var run = 0..<0
            for entry in entries {
                let line = Self.usualLine(entry, of: bytes) ?? 0..<0
                if line.lowerBound == run.upperBound, !line.isEmpty {
                    run = run.lowerBound..<line.upperBound
                    continue
                }
                output.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[run]))
                run = line
                if line.isEmpty { Self.writeLine(entry, of: bytes, to: &output) }
            }
            output.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[run]))
        }
    }

    /// Appends the lines whose name passes the test, as they go over the wire: for proxies, which drop some.
    ///
    /// `isIncluded` gets the name's bytes as they were written.
    public func write(to output: inout [UInt8], where isIncluded: (UnsafeBufferPointer<UInt8>) -> Bool) {
        bytes.withUnsafeBufferPointer { bytes in
            for entry in entries where isIncluded(UnsafeBufferPointer(rebasing: bytes[entry.name])) {
                Self.writeLine(entry, of: bytes, to: &output)
            }
        }
    }

    private static func writeLine(
        _ entry: Entry, of bytes: UnsafeBufferPointer<UInt8>, to output: inout [UInt8]
    ) {
        if let line = usualLine(entry, of: bytes) {
            return output.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[line]))
        }
        output.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[entry.name]))
        output.appendText(": ")
        output.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[entry.value]))
        output.appendText("\r\n")
    }

    /// The whole line where it lies as it is to be written: with one blank behind the colon, and its CRLF behind the value.
    private static func usualLine(_ entry: Entry, of bytes: UnsafeBufferPointer<UInt8>) -> Range<Int>? {
        let (colon, value) = (entry.name.upperBound, entry.value)
        guard value.lowerBound == colon + 2, value.upperBound + 2 <= bytes.count, bytes[colon] == ASCII.colon,
            bytes[colon + 1] == ASCII.space, bytes[value.upperBound] == ASCII.carriageReturn,
            bytes[value.upperBound + 1] == ASCII.lineFeed
        else { return nil }
        return entry.name.lowerBound..<value.upperBound + 2
    }

    /// Calls `body` with the first value's bytes, making no text; nil without the field.
    public func withValue<Result>(
        of name: HTTPField.Name, _ body: (UnsafeBufferPointer<UInt8>) -> Result
    ) -> Result? {
        guard let index = firstIndex(of: name) else { return nil }
        return bytes.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0[entries[index].value])) }
    }

    /// True when a comma-separated list of the field holds this word, in either case: `Connection: keep-alive, TE`.
    public func listContains(_ name: HTTPField.Name, _ word: String) -> Bool {
        guard contains(name) else { return false }
        return values(name).contains { value in
            value.split(separator: ",").contains { ASCII.equalIgnoringCase(ASCII.trimmed($0), word) }
        }
    }
}

extension HTTPFields: Sequence {
    /// Walks the lines in order, making texts of each.
    public func makeIterator() -> AnyIterator<(name: String, value: String)> {
        var index = 0
        return AnyIterator {
            guard index < entries.count else { return nil }
            defer { index += 1 }
            return (text(entries[index].name), text(entries[index].value))
        }
    }
}

extension HTTPFields: ExpressibleByDictionaryLiteral {
    /// Fields written down in the program; a name may occur more than once.
    public init(dictionaryLiteral elements: (HTTPField.Name, String)...) {
        self.init()
        for (name, value) in elements { append(name, value) }
    }
}

extension HTTPFields: Equatable {
    /// Equal when the same lines come in the same order; names compare without regard to case.
    public static func == (left: HTTPFields, right: HTTPFields) -> Bool {
        left.count == right.count
            && zip(left, right).allSatisfy { ASCII.equalIgnoringCase($0.name, $1.name) && $0.value == $1.value }
    }
}
