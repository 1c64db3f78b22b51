/// One SQL text with `$1`, `$2` … for its values; made once, used often.
///
/// Both drivers keep it prepared a connection. Make it a `static let`: the text is the key of that cache.
public struct Statement: Sendable {
    /// What the statement is for, in a word or two: a metric label and the statement's name in errors.
    public let name: String
    /// The SQL.
    public let text: String
    /// True when running it twice does no harm and changes nothing.
    ///
    /// Such a statement runs beside the writer on SQLite, and again when its connection broke on PostgreSQL.
    public let isRead: Bool
    /// True for migrations and for waits on locks: the driver's limit on a statement's time doesn't hold.
    public let mayTakeLong: Bool

    /// Describes a statement.
    /// - Parameters:
    ///   - name: a metric label: no ids, no values.
    ///   - text: one SQL statement, the values as `$1`, `$2` …, each number up to the highest used at least once.
    ///   - isRead: nil takes what begins with SELECT for a read; say false for a SELECT that changes something, true
    ///     for a WITH … SELECT that changes nothing.
    ///   - mayTakeLong: true lifts the limit on the statement's time.
    public init(_ name: String, _ text: String, isRead: Bool? = nil, mayTakeLong: Bool = false) {
        self.name = name
        self.text = text
        self.isRead = isRead ?? Self.beginsWithSelect(text)
        self.mayTakeLong = mayTakeLong
    }

    /// The statement with its values, `$1` first.
    public func callAsFunction(_ values: SQLValue...) -> BoundStatement {
        BoundStatement(statement: self, values: values)
    }

    /// The statement with its values, `$1` first.
    public func callAsFunction(_ values: [SQLValue]) -> BoundStatement {
        BoundStatement(statement: self, values: values)
    }

    private static func beginsWithSelect(_ text: String) -> Bool {
        let keyword = Array("SELECT".utf8)
        let start = text.utf8.drop { $0 == 0x20 || (0x09...0x0D).contains($0) }
        // 0xDF clears the bit that tells lower case from upper case.
        return start.prefix(keyword.count).map { $0 & 0xDF } == keyword
    }
}
