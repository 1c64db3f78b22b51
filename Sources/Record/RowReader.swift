import Model
import SQL

/// Reads the columns of one row from left to right, so that a list of columns and its reader can be compared by eye.
struct RowReader {
    private let row: Row
    private var column: Int

    init(_ row: Row, from column: Int = 0) {
        self.row = row
        self.column = column
    }

    /// Whether the column that comes next is NULL: the row of an outer join that found nothing.
    var nextIsNull: Bool {
        guard row.values.indices.contains(column), case .null = row.values[column] else { return false }
        return true
    }

    mutating func integer() throws -> Int64 { try row.integer(advance()) }
    mutating func integerIfPresent() throws -> Int64? { try row.integerIfPresent(advance()) }
    mutating func int() throws -> Int { Int(try integer()) }
    mutating func intIfPresent() throws -> Int? { try integerIfPresent().map { Int($0) } }
    mutating func boolean() throws -> Bool { try row.boolean(advance()) }
    mutating func real() throws -> Double { try row.real(advance()) }
    mutating func text() throws -> String { try row.text(advance()) }
    mutating func textIfPresent() throws -> String? { try row.textIfPresent(advance()) }
    mutating func time() throws -> Timestamp { Timestamp(milliseconds: try integer()) }
    mutating func timeIfPresent() throws -> Timestamp? {
        try integerIfPresent().map { Timestamp(milliseconds: $0) }
    }
    mutating func backend() throws -> BackendName { BackendName(recorded: try text()) }

    /// A task's identity, in the client's spelling.
    mutating func task() throws -> TaskID {
        let spelling = try text()
        guard let task = TaskID(spelling) else { throw unreadable(spelling, "a task's identity") }
        return task
    }

    /// A word of a closed set.
    mutating func word<Word: RawRepresentable>(_: Word.Type) throws -> Word where Word.RawValue == String {
        let text = try text()
        guard let word = Word(rawValue: text) else { throw unreadable(text, "a \(Word.self)") }
        return word
    }

    /// A word of a closed set, or nil for NULL.
    mutating func wordIfPresent<Word: RawRepresentable>(_ type: Word.Type) throws -> Word?
    where Word.RawValue == String {
        if nextIsNull {
            column += 1
            return nil
        }
        return try word(type)
    }

    private mutating func advance() -> Int {
        defer { column += 1 }
        return column
    }

    private func unreadable(_ text: String, _ wanted: String) -> RecordError {
        RecordError(
            .unreadable,
            "The record holds '\(text.prefix(80))' where \(wanted) was expected; was it written by a newer version?")
    }
}

extension SQLValue {
    /// Milliseconds since 1970, or NULL for nil.
    init(_ moment: Timestamp?) { self.init(moment?.milliseconds) }
    /// Number of bytes.
    init(_ count: ByteCount) { self = .integer(count.bytes) }
    /// The key under which the record keeps a task.
    init(_ task: TaskID) { self = .text(task.key) }
    /// The backend's name, or NULL for nil.
    init(_ backend: BackendName?) { self.init(backend?.string) }
    /// The backend's own identity of a task.
    init(_ task: BackendTaskID) { self = .text(task.string) }
    /// The word of a closed set, or NULL for nil.
    init<Word: RawRepresentable>(_ word: Word?) where Word.RawValue == String { self.init(word?.rawValue) }

    /// A text that came from outside, without the NULs that a database can't hold.
    static func cleaned(_ text: String?) -> SQLValue {
        guard let text else { return .null }
        guard text.utf8.contains(0) else { return .text(text) }
        return .text(String(decoding: text.utf8.filter { $0 != 0 }, as: UTF8.self))
    }
}
