/// One numbered step of the schema; once released it is never changed, only followed by another.
public struct Migration: Sendable {
    /// Its place in the order, from 1 without gaps.
    public let number: Int
    /// What it does, in a few words; kept in the database for people.
    public let name: String
    /// The SQL, one statement each, without values.
    public let statements: @Sendable (Dialect) -> [String]

    /// Describes a step.
    /// - Parameters:
    ///   - number: the next one.
    ///   - name: what it does.
    ///   - statements: one SQL statement each; all of them take effect, or none.
    public init(_ number: Int, _ name: String, _ statements: @escaping @Sendable (Dialect) -> [String]) {
        self.number = number
        self.name = name
        self.statements = statements
    }
}
