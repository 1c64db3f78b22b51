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

    /// SQLite's limit; PostgreSQL's is 65,535.
    private static let mostValues = 32766

    /// Refuses what only one of the two databases would take, so that both behave alike.
    func checkValues() throws(DatabaseError) {
        guard values.count <= Self.mostValues else {
            throw DatabaseError(
                .invalid, "\(values.count) values are more than the \(Self.mostValues) that a statement can take.",
                statement: statement.name)
        }
        for (index, value) in values.enumerated() {
            switch value {
            case .text(let text) where text.utf8.contains(0):
                throw refused(index, "The text", "holds a NUL character, which a database text can't; remove it.")
            case .real(let real) where real.isNaN:
                throw refused(index, "The number", "is not a number (NaN), which SQLite can't hold.")
            case .null, .integer, .real, .text, .bytes: continue
            }
        }
    }

    private func refused(_ index: Int, _ kind: String, _ reason: String) -> DatabaseError {
        DatabaseError(.invalid, "\(kind) for $\(index + 1) \(reason)", statement: statement.name)
    }
}
