internal import Glibc
public import Reactor
internal import SQL
internal import Synchronization

/// A real PostgreSQL server of the test run's own: its files in a scratch folder, reached by a socket there and by loopback.
///
/// The server's parent is a shell that waits for the end of its input, a pipe from here: however this program ends, the
/// pipe closes, and the shell stops the server and removes the folder.
public final class ScratchPostgres: Sendable {
    /// The server that the tests share; none of them stops it.
    public static let shared = Task { try await ScratchPostgres.start() }
    /// Loops for the connections of all tests.
    public static let loops: [EventLoop] = {
        guard let group = try? EventLoopGroup(loops: 2, name: "scratch") else { return [] }
        group.start()
        return group.loops
    }()

    private static let pool = BlockingPool(threads: 2)
    private static let lastName = Atomic<Int>(0)

    private let binaries: String
    private let folder: String
    /// Where it listens on 127.0.0.1.
    public let port: UInt16
    private let running: Mutex<(shell: pid_t, input: Int32)?>

    private init(binaries: String, folder: String, port: UInt16) {
        self.binaries = binaries
        self.folder = folder
        self.port = port
        running = Mutex(nil)
    }

    /// Makes and starts a server.
    /// - Returns: a server that may still be starting; connections wait for it.
    /// - Throws: `ScratchError` when PostgreSQL isn't installed or can't be started.
    public static func start() async throws -> ScratchPostgres {
        try await pool.run {
            guard let binaries = ChildProgram.folder(of: ["initdb", "postgres"], in: searchPath) else {
                throw ScratchError(message: "PostgreSQL isn't installed: apt-get install postgresql")
            }
            let server = ScratchPostgres(binaries: binaries, folder: try makeFolder(), port: try freePort())
            try server.initialise()
            try server.launch()
            return server
        }
    }

    /// Where a client connects to.
    /// - Parameters:
    ///   - database: its name.
    ///   - host: nil takes the socket, else a name or address of this machine.
    /// - Returns: a connection string.
    public func url(_ database: String = "postgres", host: String? = nil) -> String {
        "host=\(host ?? folder) port=\(port) user=postgres dbname=\(database)"
    }

    /// Gives a new, empty database to a test and removes it afterwards.
    public func withDatabase<T>(_ body: (_ url: String) async throws -> T) async throws -> T {
        let name = "scratch_\(Self.lastName.add(1, ordering: .relaxed).newValue)"
        let admin = try PostgresDatabase(
            url: url(), loops: Self.loops, connectionsPerLoop: 1, acquireTimeout: .seconds(600))
        try await admin.execute(Statement("create-scratch", "CREATE DATABASE \(name)", mayTakeLong: true)())
        let result: Result<T, any Error>
        do {
            result = .success(try await body(url(name)))
        } catch {
            result = .failure(error)
        }
        // A server that the test has stopped is left as it is.
        if running.withLock({ $0 != nil }) {
            let drop = "DROP DATABASE \(name) WITH (FORCE)"
            _ = try? await admin.execute(Statement("drop-scratch", drop, mayTakeLong: true)())
        }
        await admin.close()
        return try result.get()
    }

    /// Stops the server at once, as a crash of the machine would; the data stay, so that it can be started again.
    public func stop() async throws {
        try await Self.pool.run { [self] in
            guard let (shell, input) = running.withLock({ $0.take() }) else { return }
            close(try ChildProgram.open("\(folder)/keep", O_WRONLY | O_CREAT))
            close(input)
            _ = try ChildProgram.wait(for: shell)
            unlink("\(folder)/keep")
        }
    }

    /// Starts a stopped server on the same data and port.
    public func startAgain() async throws { try await Self.pool.run { [self] in try launch() } }

    /// Stops the server and removes its files.
    public func remove() async throws {
        try await Self.pool.run { [self] in
            guard let (shell, input) = running.withLock({ $0.take() }) else { return }
            close(input)
            _ = try ChildProgram.wait(for: shell)
        }
    }

    private func initialise() throws {
        let log = try ChildProgram.open("\(folder)/log", O_WRONLY | O_CREAT | O_APPEND)
        let null = try ChildProgram.open("/dev/null", O_RDONLY)
        defer {
            close(log)
            close(null)
        }
        let command = [
            "\(binaries)/initdb", "--pgdata=\(folder)/data", "--username=postgres", "--auth=trust", "--encoding=UTF8",
            "--locale=C", "--no-sync", "--no-instructions",
        ]
        let child = try ChildProgram.spawn(Self.asPostgres(command), input: null, output: log)
        let status = try ChildProgram.wait(for: child)
        guard status == 0 else { throw ScratchError(message: "initdb failed (\(status)); see \(folder)/log") }
    }

    private func launch() throws {
        let script = """
            folder=$1; shift
            "$@" & server=$!
            cat > /dev/null
            kill -QUIT $server; wait $server
            [ -e "$folder/keep" ] || rm -rf "$folder"
            """
        var command = ["/bin/sh", "-c", script, "sh", folder, "\(binaries)/postgres", "-D", "\(folder)/data", "-F"]
        let settings = [
            "unix_socket_directories=\(folder)", "port=\(port)", "listen_addresses=127.0.0.1", "max_connections=200",
            "shared_buffers=16MB", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0", "autovacuum=off",
        ]
        for setting in settings { command += ["-c", setting] }
        let log = try ChildProgram.open("\(folder)/log", O_WRONLY | O_CREAT | O_APPEND)
        defer { close(log) }
        let (read, write) = try ChildProgram.pipe()
        defer { close(read) }
        let shell = try ChildProgram.spawn(Self.asPostgres(command), input: read, output: log)
        running.withLock { $0 = (shell, write) }
    }

    private static let searchPath =
        (13...18).reversed().map { "/usr/lib/postgresql/\($0)/bin" } + ["/usr/local/bin", "/usr/bin"]

    /// PostgreSQL refuses to run as root.
    private static func asPostgres(_ command: [String]) -> [String] {
        geteuid() == 0 ? ["runuser", "-u", "postgres", "--"] + command : command
    }

    private static func makeFolder() throws -> String {
        var template = Array("/tmp/scratch-postgres-XXXXXX".utf8CString)
        guard let folder = mkdtemp(&template).map({ String(cString: $0) }) else {
            throw ScratchError(message: "no scratch folder: \(errno)")
        }
        if geteuid() == 0 {
            guard let user = getpwnam("postgres"), chown(folder, user.pointee.pw_uid, user.pointee.pw_gid) == 0 else {
                throw ScratchError(message: "there is no user postgres to run the server as")
            }
        }
        return folder
    }

    static func freePort() throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, length) == 0 && getsockname(descriptor, generic, &length) == 0
            }
        }
        guard isBound else { throw ScratchError(message: "no free port: \(errno)") }
        return UInt16(bigEndian: address.sin_port)
    }
}
