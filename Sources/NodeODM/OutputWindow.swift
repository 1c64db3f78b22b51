/// Which console lines a client asks for: `with_output` of info and `line` of output.
///
/// Both follow JavaScript's `slice(start)` of a text argument (contract 2.8, item 57):
///
/// | query | of 10 lines |
/// |---|---|
/// | absent | nothing, not even the key (`/output` takes it as 0) |
/// | `0`, empty, `abc`, `-0` | all |
/// | `5`, `5.9` | from the sixth |
/// | `9999` | an empty array |
/// | `-3` | the last three |
public enum OutputWindow: Sendable, Hashable {
    /// No output at all.
    case nothing
    /// From an index, counted from 0.
    case from(Int)
    /// So many at the end.
    case last(Int)

    /// Every line.
    public static let everything = OutputWindow.from(0)

    /// Reads a query's value.
    /// - Parameter query: the decoded value of the query item; nil where the item is absent.
    public init(query: String?) {
        guard let query else {
            self = .nothing
            return
        }
        let number = Self.javaScriptNumber(query).rounded(.towardZero)
        let start = number.isNaN ? 0 : Int(min(max(number, -1e15), 1e15))
        self = start < 0 ? .last(-start) : .from(start)
    }

    /// The indices that are asked for.
    /// - Parameter count: how many lines there are.
    /// - Returns: a range within `0..<count`; empty beyond the end, and for ``nothing``.
    public func range(of count: Int) -> Range<Int> {
        switch self {
        case .nothing: 0..<0
        case .from(let start): min(start, count)..<count
        case .last(let wanted): max(0, count - wanted)..<count
        }
    }

    /// JavaScript's `Number(text)`, as far as a query could mean it: decimal, blanks around it; the rest isn't a number.
    private static func javaScriptNumber(_ text: String) -> Double {
        var bytes = Array(text.utf8)[...]
        while let first = bytes.first, first <= 0x20 { bytes.removeFirst() }
        while let last = bytes.last, last <= 0x20 { bytes.removeLast() }
        if bytes.isEmpty { return 0 }
        let isDecimal = bytes.allSatisfy { byte in
            (0x30...0x39).contains(byte) || [0x2B, 0x2D, 0x2E, 0x45, 0x65].contains(byte)
        }
        let trimmed = String(decoding: bytes, as: UTF8.self)
        if isDecimal { return Double(trimmed) ?? .nan }
        switch trimmed {
        case "Infinity", "+Infinity": return .infinity
        case "-Infinity": return -.infinity
        default: return .nan
        }
    }
}
