/// Makes console lines safe for every client: PyODM, WebODM's database, terminals (contract, item 58).
///
/// One line in, one line out, so that line numbers stay those of the node.
public enum OutputCleaner {
    /// Longer lines are cut; a mesh tool that prints its data would fill WebODM's console column.
    public static let maximumLineBytes = 16_384

    /// Cleans one line.
    ///
    /// Colour codes and other escape sequences go; carriage returns and newlines at the end go, inside they become
    /// blanks; NUL and other control characters go, except the tabulator; invalid UTF-8 becomes U+FFFD. A line that is
    /// exactly `error` gets a blank behind it, as PyODM takes an array with that element for a failure (1.3).
    /// - Parameter line: UTF-8, possibly broken.
    /// - Returns: a text without line breaks of at most ``maximumLineBytes`` bytes and `…`.
    public static func clean(_ line: some Sequence<UInt8>) -> String {
        var cleaner = LineScanner()
        for byte in line {
            guard cleaner.kept.count < maximumLineBytes else { return finish(&cleaner.kept, isCut: true) }
            cleaner.take(byte)
        }
        return finish(&cleaner.kept, isCut: false)
    }

    /// Cleans one line.
    /// - Parameter line: a line, with or without its line break.
    /// - Returns: as ``clean(_:)-(Sequence)``.
    public static func clean(_ line: String) -> String {
        var line = line
        let isPlain = line.withUTF8 { bytes in bytes.count <= maximumLineBytes && bytes.allSatisfy { $0 >= 0x20 } }
        if isPlain, line != "error", !line.unicodeScalars.contains(where: { (0x7F...0x9F).contains($0.value) }) {
            return line
        }
        return clean(Array(line.utf8))
    }

    /// Reads `output` of a node: an array of lines, or ScaleODM's one text.
    /// - Parameter json: the value; elements that aren't texts become empty lines, so that numbers stay right.
    /// - Returns: cleaned lines; nil where it is neither form.
    public static func lines(from json: JSONValue) -> [String]? {
        switch json {
        case .array(let elements): return elements.map { clean($0.text ?? "") }
        case .string(let text):
            var lines = text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).map { clean($0) }
            if lines.last?.isEmpty == true { lines.removeLast() }
            return lines
        case .null, .bool, .integer, .double, .object: return nil
        }
    }

    private static func finish(_ kept: inout [UInt8], isCut: Bool) -> String {
        if isCut {
            // The cut may have split a character: its bytes so far go.
            while let last = kept.last, last & 0xC0 == 0x80 { kept.removeLast() }
            if let last = kept.last, last >= 0xC0 { kept.removeLast() }
            return String(decoding: kept, as: UTF8.self) + "…"
        }
        while kept.last == LineScanner.lineBreak { kept.removeLast() }
        for index in kept.indices where kept[index] == LineScanner.lineBreak { kept[index] = 0x20 }
        let text = String(decoding: kept, as: UTF8.self)
        return text == "error" ? "error " : text
    }
}

/// Walks through a line's bytes and leaves out escape sequences (ECMA-48) and control characters.
private struct LineScanner {
    /// Line breaks are kept as this until it is known whether they end the line.
    static let lineBreak: UInt8 = 0x0A

    private enum State { case text, escape, controlSequence, operatingSystemCommand, commandEscape }
    private var state = State.text
    var kept: [UInt8] = []

    mutating func take(_ byte: UInt8) {
        switch state {
        case .text: takeText(byte)
        case .escape:
            switch byte {
            case UInt8(ascii: "["): state = .controlSequence
            case UInt8(ascii: "]"): state = .operatingSystemCommand
            case 0x20...0x2F: break
            default: state = .text
            }
        case .controlSequence:
            if (0x40...0x7E).contains(byte) { state = .text }
            if byte < 0x20 || byte > 0x7E { restart(with: byte) }
        case .operatingSystemCommand:
            if byte == 0x07 { state = .text }
            if byte == 0x1B { state = .commandEscape }
        case .commandEscape: state = .text
        }
    }

    private mutating func restart(with byte: UInt8) {
        state = .text
        takeText(byte)
    }

    private mutating func takeText(_ byte: UInt8) {
        // The C1 controls, 0xC2 and this byte in UTF-8; 0x9B is the one-character form of ESC [.
        if kept.last == 0xC2, (0x80...0x9F).contains(byte) {
            kept.removeLast()
            if byte == 0x9B { state = .controlSequence }
            return
        }
        switch byte {
        case 0x1B: state = .escape
        case 0x0A, 0x0D: kept.append(Self.lineBreak)
        case 0x09: kept.append(byte)
        case 0x00..<0x20, 0x7F: break
        default: kept.append(byte)
        }
    }
}
