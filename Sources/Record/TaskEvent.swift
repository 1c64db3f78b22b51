public import Model
internal import SQL

/// One line of a task's history: the answer to "why is my task there?".
public struct TaskEvent: Sendable, Equatable {
    /// Position in the task's history, from 1.
    public var number: Int
    /// When it happened.
    public var at: Timestamp
    /// What happened.
    public var kind: EventKind
    /// In which attempt; nil where none was concerned.
    public var attempt: Int?
    /// On which backend.
    public var backend: BackendName?
    /// Why, for people.
    public var detail: String

    /// What the reader below reads, in its order.
    static let columns = "number, at, kind, attempt, backend, detail"

    init(row: Row) throws {
        var reader = RowReader(row)
        number = try reader.int()
        at = try reader.time()
        kind = try reader.word(EventKind.self)
        attempt = try reader.intIfPresent()
        backend = try reader.textIfPresent().map(BackendName.init(recorded:))
        detail = try reader.text()
    }
}
