/// The name under which an uploaded file is kept: what a client called it, made harmless (contract 2.4 and item 36).
public struct SafeFileName: Sendable, Hashable, CustomStringConvertible {
    /// A single path component of at most ``maximumBytes`` bytes, never `.`, `..` or `body.json`.
    public let string: String

    /// Below the 255 of Linux file systems, so that a suffix of a temporary file and NodeODM's `_` find room.
    public static let maximumBytes = 220

    /// Makes a client's name safe.
    /// - Parameter name: `filename` of a part; nil or nothing usable gives `unnamed`.
    ///
    /// | name | kept as |
    /// |---|---|
    /// | `../../x.jpg`, `C:\a\x.jpg` | `x.jpg` |
    /// | `body.json` | `_body.json`: NodeODM keeps its own metadata under that name |
    /// | 300 × `a` + `.jpg` | 216 × `a` + `.jpg` |
    public init(_ name: String?) {
        let base = (name ?? "").split(omittingEmptySubsequences: false) { $0 == "/" || $0 == "\\" }.last ?? ""
        var scalars = String.UnicodeScalarView()
        scalars.append(contentsOf: base.unicodeScalars.lazy.filter { !Self.isControl($0) })
        let cleaned = Self.clip(Self.trimBlanks(String(scalars)))
        switch cleaned {
        case "", ".", "..": string = "unnamed"
        case "body.json": string = "_body.json"
        default: string = cleaned
        }
    }

    /// The name NodeODM gives to a second file of the same name: `A.JPG` → `A_.JPG`.
    ///
    /// At the greatest length another `_` takes the place of the last other character, so that each double is new; who
    /// looks for a free name still bounds the number of tries.
    public var doubled: SafeFileName {
        let (stem, suffix) = Self.split(string)
        guard string.utf8.count >= Self.maximumBytes else { return SafeFileName("\(stem)_\(suffix)") }
        var shortened = stem.unicodeScalars
        while shortened.last == "_" { shortened.removeLast() }
        let underscores = stem.unicodeScalars.count - shortened.count + 1
        _ = shortened.popLast()
        return SafeFileName(String(shortened) + String(repeating: "_", count: underscores) + suffix)
    }

    /// The name itself.
    public var description: String { string }

    private static func isControl(_ scalar: UnicodeScalar) -> Bool {
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || (0x202A...0x202E).contains(scalar.value)
            || (0x2066...0x2069).contains(scalar.value) || scalar.value == 0x2028 || scalar.value == 0x2029
    }

    private static func trimBlanks(_ text: String) -> String {
        var rest = text[...]
        while rest.first == " " { rest.removeFirst() }
        while rest.last == " " { rest.removeLast() }
        return String(rest)
    }

    /// Splits off the extension with its dot; a leading dot begins no extension.
    private static func split(_ name: String) -> (stem: Substring, suffix: Substring) {
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return (name[...], "") }
        return (name[..<dot], name[dot...])
    }

    /// Shortens the stem by whole characters and keeps the extension, unless that is absurdly long itself.
    private static func clip(_ name: String) -> String {
        guard name.utf8.count > maximumBytes else { return name }
        var (stem, suffix) = split(name)
        if suffix.utf8.count > 32 { (stem, suffix) = (name[...], "") }
        // Unicode scalars, not Characters: a single Character may be longer than any limit.
        let room = maximumBytes - suffix.utf8.count
        var kept = String.UnicodeScalarView()
        var size = 0
        for scalar in stem.unicodeScalars {
            size += UTF8.width(scalar)
            guard size <= room else { break }
            kept.append(scalar)
        }
        return String(kept) + suffix
    }
}
