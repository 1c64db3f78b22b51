/// What a statement did.
struct StatementOutcome: Sendable {
    /// Its rows, where they were wanted.
    var rows: [Row] = []
    /// Rows inserted, updated or deleted.
    var changed = 0
}
