internal import Glibc
public import Reactor
internal import Synchronization

/// A database in a file of its own: the default where no PostgreSQL is given.
///
/// One connection writes, in turns; a few more read beside it, which WAL mode allows. A commit is on the disk when it
/// returns. The file belongs to one open database at a time, see `SQLiteFileLock`.
public final class SQLiteDatabase: Database {
    /// How to open one.
    public struct Configuration: Sendable {
        /// Connections that read beside the writer; 0 where the path is `:memory:` or the work is inline.
        public var readers = 2
        /// True runs every statement on the caller's thread: for simulated worlds, never on a loop.
        public var isInline = false
        /// Threads to work on instead of own ones; their number bounds what runs at once.
        public var pool: BlockingPool?
        /// How long a statement waits for a lock that a tool such as `sqlite3` holds, in milliseconds.
        public var busyTimeoutMilliseconds: Int32 = 5000
        /// What `now_ms()` says: milliseconds since 1970.
        public var now: @Sendable () -> Int64 = SQLiteDatabase.wallMilliseconds

        /// The values for a gateway.
        public init() {}
    }

    static let isClosed = DatabaseError(.closed, "The database has been closed.")

    private let writer: SQLiteWriter
    private let readers: SQLiteReaders?
    private let broadcaster = Broadcaster(isAlwaysEstablished: true)
    private let lock: Mutex<SQLiteFileLock?>
    private let isOpen = Atomic(true)

    private init(writer: SQLiteWriter, readers: SQLiteReaders?, lock: SQLiteFileLock?) {
        self.writer = writer
        self.readers = readers
        self.lock = Mutex(lock)
    }

    /// Opens a file, making it if it is missing.
    /// - Parameters:
    ///   - path: the file, or `:memory:` for one that ends with this object. WAL needs a local file system.
    ///   - configuration: see there.
    /// - Returns: the open database.
    /// - Throws: `.locked` when the file is open already, here or in another program; `.unavailable`, `.denied` or
    ///   `.corrupt` when it can't be used.
    public static func open(
        path: String, configuration: Configuration = Configuration()
    ) async throws(DatabaseError) -> SQLiteDatabase {
        let ownThreads = configuration.isInline ? 0 : 1 + max(0, configuration.readers)
        let pool = configuration.pool ?? BlockingPool(threads: ownThreads)
        do {
            return try await pool.run { try openNow(path, configuration, on: pool) }
        } catch {
            throw .wrapping(error)
        }
    }

    private static func openNow(
        _ path: String, _ configuration: Configuration, on pool: BlockingPool
    ) throws(DatabaseError) -> SQLiteDatabase {
        let isInMemory = path == ":memory:"
        let path = isInMemory ? path : try SQLiteFileLock.resolve(path)
        let lock = isInMemory ? nil : try SQLiteFileLock(of: path)
        var options = SQLiteConnection.Options(
            path: path, isReader: false, busyTimeoutMilliseconds: configuration.busyTimeoutMilliseconds,
            now: configuration.now)
        let writer = try SQLiteConnection(options)
        options.isReader = true
        var readers: [SQLiteConnection] = []
        let readerCount = isInMemory || configuration.isInline ? 0 : max(0, configuration.readers)
        for _ in 0..<readerCount { readers.append(try SQLiteConnection(options)) }
        return SQLiteDatabase(
            writer: SQLiteWriter(writer, pool: pool),
            readers: readers.isEmpty ? nil : SQLiteReaders(readers, pool: pool), lock: lock)
    }

    /// SQLite.
    public var dialect: Dialect { .sqlite }

    /// True until it is closed.
    public var isUp: Bool { isOpen.load(ordering: .relaxed) }

    /// Runs a statement; one that `isRead` on a reader, beside writes under way.
    public func query(_ statement: BoundStatement) async throws(DatabaseError) -> [Row] {
        try TransactionScope.refuseInside(self)
        try statement.checkValues()
        if statement.statement.isRead, let readers { return try await readers.run(statement) }
        return try await writer.run(statement, keepRows: true).rows
    }

    /// Runs a statement on the writer, in its turn.
    @discardableResult
    public func execute(_ statement: BoundStatement) async throws(DatabaseError) -> Int {
        try TransactionScope.refuseInside(self)
        try statement.checkValues()
        return try await writer.run(statement, keepRows: false).changed
    }

    /// Runs `body` alone on the writer; see `Database.transaction`. It never runs twice here.
    public func transaction<T: Sendable>(
        _ isolation: Isolation, _ body: @Sendable (_ session: any DatabaseSession) async throws -> T
    ) async throws -> T {
        try TransactionScope.refuseInside(self)
        try await writer.gate.enter()
        defer { writer.gate.leave() }
        let session = SQLiteTransaction(writer)
        try await session.begin()
        do {
            let result = try await TransactionScope.run(on: self) { try await body(session) }
            try await session.commit()
            for (channel, payload) in session.notifications { broadcaster.send(payload, to: channel) }
            return result
        } catch {
            await session.rollback()
            throw error
        }
    }

    /// Payloads of this program's `notify` calls: the file is no other's.
    public func listen(channel: String) -> AsyncStream<String> { broadcaster.listen(channel) }

    /// Tells this program's listeners.
    public func notify(channel: String, payload: String) async throws(DatabaseError) {
        try TransactionScope.refuseInside(self)
        try NotificationLimits.check(channel: channel, payload: payload)
        guard isUp else { throw Self.isClosed }
        broadcaster.send(payload, to: channel)
    }

    /// Waits for the writer's queue, closes the file and frees its lock.
    public func close() async {
        guard isOpen.exchange(false, ordering: .relaxed) else { return }
        broadcaster.finish()
        readers?.close()
        // In a task that isn't cancelled, so that this waits for its turn in any case.
        let writer = self.writer
        _ = await Task.detached { try? await writer.gate.enter() }.value
        writer.close()
        writer.gate.leave()
        lock.withLock { $0 = nil }
    }

    /// The system's clock, in milliseconds since 1970.
    public static func wallMilliseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
