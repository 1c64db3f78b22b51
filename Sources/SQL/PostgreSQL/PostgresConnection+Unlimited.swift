extension PostgresConnection {
    /// Runs a statement without the server's limit on its time, and sets that again.
    func runUnlimited(
        _ bound: BoundStatement, keepRows: Bool, normally limit: Duration
    ) async throws(DatabaseError) -> StatementOutcome {
        do {
            try await run("SET statement_timeout = 0", limit: limit)
        } catch {
            throw error.withKnownOutcome
        }
        let result: Result<StatementOutcome, DatabaseError>
        do {
            result = .success(try await run(bound, keepRows: keepRows, limit: nil))
        } catch {
            result = .failure(error)
        }
        // Where this fails the connection is broken, and nobody uses it again.
        if !isBroken { _ = try? await run("SET statement_timeout = \(limit.milliseconds)", limit: limit) }
        return try result.get()
    }
}

extension Duration {
    /// Whole milliseconds, as PostgreSQL's settings take them.
    var milliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}
