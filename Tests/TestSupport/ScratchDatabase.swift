internal import Glibc
public import Reactor
public import SQL
internal import Synchronization

/// A kind of database that tests run on, and the maker of empty ones: the argument of a suite that holds for both.
public struct ScratchDatabase: Sendable, CustomStringConvertible {
    /// Which kind it makes.
    public let dialect: Dialect

    /// SQLite in a file of its own.
    public static let sqlite = ScratchDatabase(dialect: .sqlite)
    /// A database of its own on the test run's PostgreSQL server.
    public static let postgresql = ScratchDatabase(dialect: .postgresql)
    /// Both kinds, as arguments of a test.
    public static let all = [sqlite, postgresql]

    /// The kind's name, for reports.
    public var description: String { dialect.rawValue }

    /// Gives an empty database to a test, and closes and removes it afterwards.
    public func withDatabase<T>(_ body: (any Database) async throws -> T) async throws -> T {
        switch dialect {
        case .sqlite: try await Self.withSQLite(body)
        case .postgresql:
            try await ScratchPostgres.shared.value.withDatabase { url in
                // A slow start of the server isn't what is tested; a test has a limit of its own.
                let database = try PostgresDatabase(
                    url: url, loops: ScratchPostgres.loops, acquireTimeout: .seconds(600))
                return try await Self.closing(database, body)
            }
        }
    }

    /// Threads for the SQLite databases of all tests: a pool's threads live as long as the program.
    public static let pool = BlockingPool(threads: 4)

    /// A path in a folder of its own, which is removed afterwards with all that is in it.
    public static func withPath<T>(_ body: (String) async throws -> T) async throws -> T {
        var template = Array("/tmp/scratch-sqlite-XXXXXX".utf8CString)
        guard let folder = mkdtemp(&template).map({ String(cString: $0) }) else {
            throw ScratchError(message: "no scratch folder: \(errno)")
        }
        defer {
            for name in ["test.sqlite", "test.sqlite-wal", "test.sqlite-shm", "test.sqlite.lock"] {
                unlink("\(folder)/\(name)")
            }
            rmdir(folder)
        }
        return try await body("\(folder)/test.sqlite")
    }

    private static func withSQLite<T>(_ body: (any Database) async throws -> T) async throws -> T {
        try await withPath { path in
            var configuration = SQLiteDatabase.Configuration()
            configuration.pool = pool
            let database = try await SQLiteDatabase.open(path: path, configuration: configuration)
            return try await closing(database, body)
        }
    }

    static func closing<T>(_ database: any Database, _ body: (any Database) async throws -> T) async throws -> T {
        do {
            let result = try await body(database)
            await database.close()
            return result
        } catch {
            await database.close()
            throw error
        }
    }
}

/// What a test needed and the machine didn't have.
public struct ScratchError: Error, CustomStringConvertible {
    /// For people.
    public let message: String
    /// Says what.
    public init(message: String) { self.message = message }
    /// The message.
    public var description: String { message }
}
