internal import Reactor

/// The connections of one loop: opened when needed, bounded, handed out in the order in which callers came.
actor PostgresPool {
    private struct Waiter {
        let id: UInt64
        /// Gets the turn, or the reason to give up.
        let continuation: CheckedContinuation<Handover, Never>
    }

    private enum Handover {
        case turn
        case failed(DatabaseError)
    }

    nonisolated let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    private let connector: PostgresConnector
    private let health: PostgresHealth
    /// Turns that nobody has: each is the right to one connection, idle or still to be opened.
    private var freeTurns: Int
    private let limit: Int
    private var idle: [PostgresConnection] = []
    private var waiters: [Waiter] = []
    private var lastID: UInt64 = 0
    private var pinned: [UInt64: PostgresConnection] = [:]
    private var isClosing = false
    private var onDrained: [CheckedContinuation<Void, Never>] = []

    private static let backoff = PostgresBackoff(first: .milliseconds(50), most: .seconds(2))
    /// Times that one statement is sent at most: one that brings the server down isn't sent again and again.
    private static let attempts = 3

    init(connector: PostgresConnector, connections: Int, health: PostgresHealth) {
        self.connector = connector
        self.health = health
        loop = connector.loop
        limit = max(1, connections)
        freeTurns = limit
    }

    // MARK: Statements

    /// Runs one statement on any connection; again where that can do no harm.
    func run(
        _ bound: BoundStatement, keepRows: Bool, until deadline: MonotonicTime
    ) async throws(DatabaseError) -> StatementOutcome {
        var attempt = 1
        while true {
            do {
                return try await runOnce(bound, keepRows: keepRows, until: deadline)
            } catch {
                guard attempt < Self.attempts, error.isWorthAnother(bound.statement), MonotonicTime.now() < deadline
                else { throw error }
            }
            attempt += 1
        }
    }

    private func runOnce(
        _ bound: BoundStatement, keepRows: Bool, until deadline: MonotonicTime
    ) async throws(DatabaseError) -> StatementOutcome {
        let connection = try await acquire(until: deadline, statement: bound.statement.name)
        defer { release(connection) }
        guard bound.statement.mayTakeLong else {
            return try await connection.run(bound, keepRows: keepRows, limit: connector.statementTimeout)
        }
        return try await connection.runUnlimited(bound, keepRows: keepRows, normally: connector.statementTimeout)
    }

    // MARK: Transactions

    /// Begins a transaction on a connection of its own.
    /// - Returns: its number, for the calls below.
    func begin(_ isolation: Isolation, until deadline: MonotonicTime) async throws(DatabaseError) -> UInt64 {
        let level =
            switch isolation {
            case .snapshot: "REPEATABLE READ"
            case .lockedRow: "READ COMMITTED"
            }
        var attempt = 1
        while true {
            let connection = try await acquire(until: deadline, statement: "BEGIN")
            do {
                try await connection.run("BEGIN ISOLATION LEVEL \(level)", limit: connector.statementTimeout)
                lastID += 1
                pinned[lastID] = connection
                return lastID
            } catch {
                release(connection)
                guard attempt < Self.attempts, error.code == .unavailable, MonotonicTime.now() < deadline else {
                    // Nothing is changed by a transaction that has only begun.
                    throw error.withKnownOutcome
                }
            }
            attempt += 1
        }
    }

    /// Runs a statement of a transaction.
    func run(
        _ bound: BoundStatement, keepRows: Bool, in transaction: UInt64
    ) async throws(DatabaseError) -> StatementOutcome {
        let connection = try connection(of: transaction)
        var limit: Duration? = connector.statementTimeout
        do {
            if bound.statement.mayTakeLong {
                try await connection.run("SET LOCAL statement_timeout = 0", limit: limit)
                limit = nil
            }
            return try await connection.run(bound, keepRows: keepRows, limit: limit)
        } catch {
            // Before COMMIT is sent nothing can have taken effect.
            throw error.withKnownOutcome
        }
    }

    /// Commits, and gives the connection back whatever happens.
    func commit(_ transaction: UInt64) async throws(DatabaseError) {
        let connection = try connection(of: transaction)
        pinned[transaction] = nil
        defer { release(connection) }
        let tag = try await connection.run("COMMIT", limit: connector.statementTimeout)
        // The server's answer to COMMIT of a transaction in which a statement failed.
        guard tag == "COMMIT" else {
            throw DatabaseError(.invalid, "The transaction was rolled back, since one of its statements had failed.")
        }
    }

    /// Rolls back, and gives the connection back; does nothing after `commit`.
    func rollback(_ transaction: UInt64) async {
        guard let connection = pinned.removeValue(forKey: transaction) else { return }
        // A failure breaks the connection, and with it the transaction.
        if !connection.isBroken { _ = try? await connection.run("ROLLBACK", limit: connector.statementTimeout) }
        release(connection)
    }

    /// Lets others go first before a transaction is tried again.
    func pause(beforeAttempt attempt: Int) async {
        let pause = PostgresBackoff(first: .milliseconds(1), most: .milliseconds(50)).pause(after: attempt)
        try? await loop.sleep(for: pause)
    }

    private func connection(of transaction: UInt64) throws(DatabaseError) -> PostgresConnection {
        guard let connection = pinned[transaction] else {
            throw DatabaseError(.invalid, "The transaction has ended; its session can't be used.")
        }
        return connection
    }

    // MARK: Turns

    private func acquire(
        until deadline: MonotonicTime, statement: String
    ) async throws(DatabaseError) -> PostgresConnection {
        try await takeTurn(until: deadline, statement: statement)
        var attempt = 1
        while true {
            if isClosing {
                returnTurn()
                throw PostgresDatabase.isClosed
            }
            while let connection = idle.popLast() {
                if connection.isAlive { return connection }
                connection.close()
            }
            do {
                let connection = try await connector.connect(until: deadline)
                health.report(isUp: true)
                return connection
            } catch {
                health.report(isUp: false)
                let pause = Self.backoff.pause(after: attempt)
                guard error.code.mayPass, MonotonicTime.now() + pause < deadline, !isClosing else {
                    returnTurn()
                    var error = error
                    error.statement = statement
                    throw error
                }
                do {
                    try await loop.sleep(for: pause)
                } catch {
                    returnTurn()
                    throw .cancelled(statement: statement)
                }
            }
            attempt += 1
        }
    }

    private func release(_ connection: PostgresConnection) {
        // Left in a transaction (by SQL of a statement): the next caller must not get it.
        if connection.isBroken || connection.isInTransaction || isClosing {
            connection.close()
        } else {
            idle.append(connection)
        }
        returnTurn()
    }

    private func takeTurn(until deadline: MonotonicTime, statement: String) async throws(DatabaseError) {
        guard !isClosing else { throw PostgresDatabase.isClosed }
        guard freeTurns == 0 else {
            freeTurns -= 1
            return
        }
        lastID += 1
        let id = lastID
        let timer = loop.schedule(after: deadline - .now()) { [self] in
            assumeIsolated { pool in
                let message = "No database connection became free in time; \(pool.limit) are in use."
                pool.giveUp(id, DatabaseError(.unavailable, message, statement: statement))
            }
        }
        defer { loop.cancel(timer) }
        let handover = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Handover, Never>) in
                guard !Task.isCancelled else {
                    return continuation.resume(returning: .failed(.cancelled(statement: statement)))
                }
                waiters.append(Waiter(id: id, continuation: continuation))
            }
        } onCancel: {
            loop.execute { [self] in assumeIsolated { $0.giveUp(id, .cancelled(statement: statement)) } }
        }
        if case .failed(let error) = handover { throw error }
    }

    private func giveUp(_ id: UInt64, _ reason: DatabaseError) {
        guard let index = waiters.firstIndex(where: { $0.id == id }) else { return }
        waiters.remove(at: index).continuation.resume(returning: .failed(reason))
    }

    private func returnTurn() {
        if !waiters.isEmpty, !isClosing {
            return waiters.removeFirst().continuation.resume(returning: .turn)
        }
        freeTurns += 1
        guard isClosing, freeTurns == limit else { return }
        for continuation in onDrained { continuation.resume() }
        onDrained = []
    }

    /// Refuses new calls, waits for those under way, and closes every connection.
    func close() async {
        isClosing = true
        for waiter in waiters { waiter.continuation.resume(returning: .failed(PostgresDatabase.isClosed)) }
        waiters = []
        for connection in idle { connection.close() }
        idle = []
        guard freeTurns < limit else { return }
        await withCheckedContinuation { onDrained.append($0) }
    }
}
