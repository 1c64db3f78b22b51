/// A statement and the values of one run.
public struct BoundStatement: Sendable {
    /// What to run.
    public let statement: Statement
    /// The value of `$1`, of `$2` and so on.
    public let values: [SQLValue]

    /// Puts the two together; `statement(value, value)` reads better.
    public init(statement: Statement, values: [SQLValue]) {
        self.statement = statement
        self.values = values
    }

    /// Refuses what only one of the two databases would take, so that both behave alike.
    func checkValues() throws(DatabaseError) {
        for (index, value) in values.enumerated() {
            guard case .text(let text) = value, text.utf8.contains(0) else { continue }
            throw DatabaseError(
                .invalid, "The text for $\(index + 1) holds a NUL character, which a database text can't; remove it.",
                statement: statement.name)
        }
    }
}
