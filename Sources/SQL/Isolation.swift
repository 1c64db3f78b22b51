/// What a transaction on PostgreSQL sees of others that commit meanwhile. SQLite runs one after the other in any case.
public enum Isolation: Sendable {
    /// One snapshot for the whole transaction (REPEATABLE READ).
    ///
    /// A row that was read and then written can't be lost to another writer: the body runs again.
    case snapshot
    /// Each statement sees what is committed when it begins (READ COMMITTED).
    ///
    /// For a transaction whose first statement locks the row that everything hangs on: it waits for its turn there, sees
    /// all that the ones before it did, and never has to run again.
    case lockedRow
}
