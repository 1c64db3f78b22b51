internal import CPostgres
internal import Reactor

/// Opens connections on a loop, without blocking it.
struct PostgresConnector: Sendable {
    let target: PostgresTarget
    let loop: EventLoop
    /// The server ends a statement after so long.
    let statementTimeout: Duration

    /// What one address gets before the next is tried.
    private static let timePerAddress = Duration.seconds(5)

    /// Tries every address once.
    /// - Parameter deadline: gives up then.
    /// - Returns: a connection that is ready for statements.
    /// - Throws: the last address's reason; `.denied` or `.invalid` where trying again wouldn't help.
    func connect(until deadline: MonotonicTime) async throws(DatabaseError) -> PostgresConnection {
        var failure = DatabaseError(.unavailable, "The database's URL names no server.")
        for candidate in try await target.candidates() {
            do {
                return try await connect(candidate, until: min(deadline, .now() + Self.timePerAddress))
            } catch {
                failure = error
            }
        }
        throw failure
    }

    private func connect(
        _ parameters: PostgresTarget.Parameters, until deadline: MonotonicTime
    ) async throws(DatabaseError) -> PostgresConnection {
        guard let handle = Self.start(parameters) else { throw DatabaseError(.full, "No memory for a connection.") }
        do {
            try await finish(handle, until: deadline)
        } catch {
            PQfinish(handle)
            throw error
        }
        let connection = PostgresConnection(connected: handle, on: loop)
        do {
            // The formats that are read here, and the server's limit on a statement.
            try await connection.run(
                "SET bytea_output = hex; SET extra_float_digits = 1; "
                    + "SET statement_timeout = \(statementTimeout.milliseconds)",
                limit: deadline - .now())
        } catch {
            connection.close()
            throw error
        }
        return connection
    }

    private static func start(_ parameters: PostgresTarget.Parameters) -> OpaquePointer? {
        // libpq copies the strings; the arrays end with a null pointer.
        withCStrings(parameters.map(\.keyword)) { keywords in
            withCStrings(parameters.map(\.value)) { values in
                PQconnectStartParams(keywords, values, 0)
            }
        }
    }

    private func finish(_ handle: OpaquePointer, until deadline: MonotonicTime) async throws(DatabaseError) {
        guard PQstatus(handle) != CONNECTION_BAD else { throw PostgresErrors.connectionError(of: handle) }
        // The only way to learn the SQLSTATE of a refusal, see PostgresErrors. Notices would go to standard error.
        PQsetErrorVerbosity(handle, PQERRORS_VERBOSE)
        PQsetNoticeProcessor(handle, { _, _ in }, nil)
        var interest = FileDescriptorWatcher.Interest.write
        while true {
            try await wait(handle, for: interest, until: deadline)
            switch PQconnectPoll(handle) {
            case PGRES_POLLING_OK: return
            case PGRES_POLLING_READING: interest = .read
            case PGRES_POLLING_WRITING: interest = .write
            default: throw PostgresErrors.connectionError(of: handle)
            }
        }
    }

    /// Watches anew for each step, since libpq may have changed to another descriptor, even one of the same number.
    private func wait(
        _ handle: OpaquePointer, for interest: FileDescriptorWatcher.Interest, until deadline: MonotonicTime
    ) async throws(DatabaseError) {
        let watcher = FileDescriptorWatcher(descriptor: PQsocket(handle), on: loop)
        defer { watcher.close() }
        do {
            try await watcher.wait(for: interest, until: deadline)
        } catch {
            let host = PQhost(handle).map { String(cString: $0) } ?? ""
            throw DatabaseError(.unavailable, "PostgreSQL at \(host) didn't answer in time: \(error.message).")
        }
    }
}

/// Lends C strings in an array that ends with a null pointer.
private func withCStrings<T>(
    _ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> T
) -> T {
    var buffer: [CChar] = []
    var offsets: [Int] = []
    for string in strings {
        offsets.append(buffer.count)
        buffer.append(contentsOf: string.utf8CString)
    }
    return buffer.withUnsafeBufferPointer { bytes in
        let pointers = offsets.map { bytes.baseAddress?.advanced(by: $0) } + [nil]
        return pointers.withUnsafeBufferPointer { body($0.baseAddress) }
    }
}
