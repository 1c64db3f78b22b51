/// Which database it is, and the few words of SQL in which the two differ.
public enum Dialect: String, Sendable, CaseIterable {
    /// PostgreSQL 13 or newer.
    case postgresql
    /// SQLite 3.35 or newer (RETURNING).
    case sqlite

    /// The type of a column of bytes.
    public var bytesType: String {
        switch self {
        case .postgresql: "BYTEA"
        case .sqlite: "BLOB"
        }
    }

    /// The type of a column of JSON, read and written as text.
    public var jsonType: String {
        switch self {
        case .postgresql: "JSONB"
        case .sqlite: "TEXT"
        }
    }

    /// To append to the SELECT inside a claim, so that replicas take different rows instead of waiting for each other.
    public var skipLocked: String {
        switch self {
        case .postgresql: " FOR UPDATE SKIP LOCKED"
        case .sqlite: ""
        }
    }

    /// To append to the SELECT of an INSERT that holds only while a row stays as it is: a writer of that row waits for the
    /// INSERT, and other such INSERTs don't.
    public var shareLocked: String {
        switch self {
        case .postgresql: " FOR SHARE"
        case .sqlite: ""
        }
    }

    /// An expression for the database's own clock, in milliseconds since 1970: the one that leases are measured by.
    ///
    /// On PostgreSQL the start of the statement, so that an index can be used and a wait for a lock makes no lease longer.
    public var nowMilliseconds: String {
        switch self {
        case .postgresql: "(extract(epoch FROM statement_timestamp()) * 1000)::bigint"
        case .sqlite: "now_ms()"
        }
    }
}
