internal import CPostgres
internal import Reactor

/// One connection to PostgreSQL, in libpq's non-blocking mode on one loop; one statement at a time.
///
/// Lives in the isolation of the pool or listener that opened it, both actors on the loop. Not Sendable.
final class PostgresConnection {
    private let handle: OpaquePointer
    /// libpq's socket stays the same once the connection stands.
    let watcher: FileDescriptorWatcher
    /// Statement text → the name it is prepared under on the server.
    private var prepared: [String: String] = [:]
    /// True once the connection is beyond use; its owner closes it.
    private(set) var isBroken = false
    private var isClosed = false

    /// Statements kept prepared; beyond, they are sent whole.
    private static let preparedLimit = 256
    /// More than the server's own limit: only a dead network gets here.
    private static let grace = Duration.seconds(5)

    init(connected handle: OpaquePointer, on loop: EventLoop) {
        self.handle = handle
        watcher = FileDescriptorWatcher(descriptor: PQsocket(handle), on: loop)
        PQsetnonblocking(handle, 1)
        PQsetErrorVerbosity(handle, PQERRORS_DEFAULT)
    }

    /// Ends the connection; on its loop, once it isn't used any more.
    func close() {
        guard !isClosed else { return }
        isClosed = true
        isBroken = true
        watcher.close()
        PQfinish(handle)
    }

    /// False when the server has ended an idle connection: seen without waiting, so that nothing is sent into it.
    ///
    /// An idle server says nothing but its last words, so any input counts as the end; a mistake costs a connection.
    var isAlive: Bool { !isBroken && PQstatus(handle) == CONNECTION_OK && !PostgresSocket.hasInput(PQsocket(handle)) }

    /// Whether a transaction is open, also a failed one.
    var isInTransaction: Bool {
        let status = PQtransactionStatus(handle)
        return status != PQTRANS_IDLE && status != PQTRANS_UNKNOWN
    }

    /// Runs a statement.
    /// - Parameters:
    ///   - bound: the statement and its values.
    ///   - keepRows: false drops the rows.
    ///   - limit: after so long plus a grace period without an answer the connection is given up; nil waits for ever.
    /// - Returns: the rows and the number of changes.
    /// - Throws: the server's answer, or `.unavailable` with `outcomeUnknown` when none came.
    func run(
        _ bound: BoundStatement, keepRows: Bool, limit: Duration?
    ) async throws(DatabaseError) -> StatementOutcome {
        let name = bound.statement.name
        let deadline = limit.map { MonotonicTime.now() + $0 + Self.grace }
        let parameters = try PostgresParameters(bound)
        let serverName = try await prepare(bound, until: deadline)
        let isQueued = parameters.withPointers { values, lengths, formats in
            if let serverName {
                return PQsendQueryPrepared(handle, serverName, parameters.count, values, lengths, formats, 0)
            }
            return PQsendQueryParams(
                handle, bound.statement.text, parameters.count, nil, values, lengths, formats, 0)
        }
        guard isQueued == 1 else { throw notSent(name) }
        do {
            return try await answer(keepRows: keepRows, statement: name, until: deadline)
        } catch {
            // The server has forgotten it, or the tables have changed under it: prepared afresh next time.
            if error.sqlState == "26000" || error.sqlState == "0A000" { prepared[bound.statement.text] = nil }
            throw error
        }
    }

    /// Runs SQL without values, such as BEGIN.
    /// - Returns: the command tag, such as `COMMIT`.
    @discardableResult
    func run(_ text: String, limit: Duration?) async throws(DatabaseError) -> String {
        guard PQsendQuery(handle, text) == 1 else { throw notSent(text) }
        var tag = ""
        _ = try await answer(
            keepRows: false, statement: text, until: limit.map { MonotonicTime.now() + $0 + Self.grace }, tag: &tag)
        return tag
    }

    /// A name as SQL writes it, in quotes.
    func quoted(_ identifier: String) -> String {
        "\"" + identifier.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }

    /// The notifications that lie in the socket, without waiting.
    /// - Throws: `.unavailable` when the connection has ended.
    func notifications() throws(DatabaseError) -> [(channel: String, payload: String)] {
        guard PQconsumeInput(handle) == 1, PQstatus(handle) == CONNECTION_OK else {
            isBroken = true
            throw PostgresErrors.connectionError(of: handle)
        }
        var found: [(channel: String, payload: String)] = []
        while let notification = PQnotifies(handle) {
            defer { PQfreemem(notification) }
            found.append(
                (String(cString: notification.pointee.relname), String(cString: notification.pointee.extra)))
        }
        return found
    }

    /// - Returns: the server's name of the prepared statement, or nil to send the text.
    private func prepare(
        _ bound: BoundStatement, until deadline: MonotonicTime?
    ) async throws(DatabaseError) -> String? {
        let text = bound.statement.text
        if let name = prepared[text] { return name }
        guard prepared.count < Self.preparedLimit, !bound.statement.mayTakeLong else { return nil }
        let name = "s\(prepared.count + 1)_\(nextNumber)"
        nextNumber += 1
        guard PQsendPrepare(handle, name, text, 0, nil) == 1 else { throw notSent(bound.statement.name) }
        do {
            _ = try await answer(keepRows: false, statement: bound.statement.name, until: deadline)
        } catch {
            // Preparing changes nothing, so the statement itself certainly didn't run.
            var error = error
            error.outcomeUnknown = false
            throw error
        }
        prepared[text] = name
        return name
    }

    private var nextNumber = 0

    private func answer(
        keepRows: Bool, statement: String, until deadline: MonotonicTime?
    ) async throws(DatabaseError) -> StatementOutcome {
        var tag = ""
        return try await answer(keepRows: keepRows, statement: statement, until: deadline, tag: &tag)
    }

    /// Sends what is queued and takes every result of it.
    private func answer(
        keepRows: Bool, statement: String, until deadline: MonotonicTime?, tag: inout String
    ) async throws(DatabaseError) -> StatementOutcome {
        var outcome = StatementOutcome()
        var failure: DatabaseError?
        try await flush(statement, until: deadline)
        while let result = try await nextResult(statement, until: deadline) {
            defer { PQclear(result) }
            switch PQresultStatus(result) {
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY:
                let reader = PostgresResult(result)
                if keepRows { outcome.rows = reader.rows() }
                outcome.changed = reader.changed
                tag = PQcmdStatus(result).map { String(cString: $0) } ?? ""
            case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
                // Never asked for; the connection would be stuck in it.
                isBroken = true
                throw DatabaseError(.invalid, "COPY isn't supported.", statement: statement)
            default:
                failure = failure ?? PostgresErrors.error(of: result, statement: statement)
            }
        }
        if PQstatus(handle) != CONNECTION_OK { isBroken = true }
        guard var failure else { return outcome }
        if failure.sqlState == "25006" { isBroken = true }  // a standby now: look for the primary afresh
        if isBroken, failure.code == .unavailable { failure.outcomeUnknown = failure.sqlState != "25006" }
        throw failure
    }

    private func flush(_ statement: String, until deadline: MonotonicTime?) async throws(DatabaseError) {
        while true {
            switch PQflush(handle) {
            case 0: return
            case 1:
                // Also reads: the server may be stuck writing to us.
                try await wait(for: .all, statement, until: deadline)
                guard PQconsumeInput(handle) == 1 else { throw lost(statement) }
            default: throw lost(statement)
            }
        }
    }

    private func nextResult(_ statement: String, until deadline: MonotonicTime?) async throws(DatabaseError)
        -> OpaquePointer?
    {
        while PQisBusy(handle) == 1 {
            try await wait(for: .read, statement, until: deadline)
            guard PQconsumeInput(handle) == 1 else {
                // The server's last words, such as "terminating connection", are in a result.
                if let result = PQgetResult(handle) { return result }
                throw lost(statement)
            }
        }
        return PQgetResult(handle)
    }

    private func wait(
        for interest: FileDescriptorWatcher.Interest, _ statement: String, until deadline: MonotonicTime?
    ) async throws(DatabaseError) {
        do {
            try await watcher.wait(for: interest, until: deadline)
        } catch {
            var failure = lost(statement)
            failure.message = "PostgreSQL didn't answer: \(error.message)."
            throw failure
        }
    }

    private func notSent(_ statement: String) -> DatabaseError {
        if PQstatus(handle) != CONNECTION_OK { isBroken = true }
        var error = PostgresErrors.connectionError(of: handle, statement: statement)
        // "another command is already in progress" and the like would be a bug here, but the connection is no good then.
        isBroken = true
        error.code = .unavailable
        return error
    }

    private func lost(_ statement: String) -> DatabaseError {
        isBroken = true
        var error = PostgresErrors.connectionError(of: handle, statement: statement)
        error.code = .unavailable
        error.outcomeUnknown = true
        return error
    }
}
