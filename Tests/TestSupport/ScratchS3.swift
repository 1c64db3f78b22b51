internal import Glibc
internal import Reactor
internal import Synchronization

/// A real object store of the test run's own: a foreign program that speaks S3, with its files in a scratch folder.
///
/// As with `ScratchPostgres`, its parent is a shell that stops it when this program ends, however that comes about.
public final class ScratchS3: Sendable {
    /// The programs that stand in for S3.
    public enum Kind: String, Sendable {
        /// Knows most of S3, but looks at no signature; holds objects in memory, so keep them small.
        case moto
        /// Checks signatures and holds gigabytes, but doesn't know all of S3.
        case rclone
        /// As `rclone`, over https with a certificate that signs itself, for 127.0.0.1.
        case rcloneTLS

        /// Those that a test of the protocol runs on.
        public static let both = [moto, rclone]
    }

    /// The servers that the tests share; none of them stops one.
    public static func shared(_ kind: Kind) async throws -> ScratchS3 {
        switch kind {
        case .moto: try await sharedMoto.value
        case .rclone: try await sharedRclone.value
        case .rcloneTLS: try await sharedRcloneTLS.value
        }
    }

    private static let sharedMoto = Task { try await start(.moto) }
    private static let sharedRclone = Task { try await start(.rclone) }
    private static let sharedRcloneTLS = Task { try await start(.rcloneTLS) }
    private static let pool = BlockingPool(threads: 2)

    /// What it accepts, and moto doesn't look at.
    public static let accessKeyID = "SCRATCHKEYID"
    /// What signs.
    public static let secretAccessKey = "SCRATCHSECRETKEY"

    /// Which program it is.
    public let kind: Kind
    /// Where it listens on 127.0.0.1.
    public let port: UInt16
    /// Its log, and the files of its objects below `root`.
    public let folder: String
    private let input: Int32

    /// The endpoint.
    public var url: String { "http\(kind == .rcloneTLS ? "s" : "")://127.0.0.1:\(port)" }
    /// PEM file of the authority that vouches for it; nil without TLS.
    public var authority: String? { kind == .rcloneTLS ? folder + "/certificate.pem" : nil }

    private init(_ kind: Kind, port: UInt16, folder: String, input: Int32) {
        self.kind = kind
        self.port = port
        self.folder = folder
        self.input = input
    }

    /// Where Python's tools are: `SCALEODM_VENV`, else the project's own `.build/venv`, which `make venv` makes.
    public static var tools: String {
        if let given = getenv("SCALEODM_VENV").map({ String(cString: $0) }), !given.isEmpty { return given + "/bin" }
        return "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/.build/venv/bin"
    }

    private static func start(_ kind: Kind) async throws -> ScratchS3 {
        try await pool.run {
            let program = kind == .moto ? "moto_server" : "rclone"
            guard ChildProgram.folder(of: [program], in: [tools]) != nil else {
                throw ScratchError(message: "\(tools)/\(program) isn't there: run `make venv`, or set SCALEODM_VENV")
            }
            let folder = try makeFolder()
            if kind == .rcloneTLS { try makeCertificate(in: folder) }
            let port = try ScratchPostgres.freePort()
            let server = ScratchS3(
                kind, port: port, folder: folder, input: try launch(command(kind, port, folder), in: folder))
            try server.waitUntilUp()
            return server
        }
    }

    private static func command(_ kind: Kind, _ port: UInt16, _ folder: String) -> [String] {
        switch kind {
        case .moto: ["\(tools)/moto_server", "-H", "127.0.0.1", "-p", "\(port)"]
        case .rclone, .rcloneTLS:
            [
                "\(tools)/rclone", "serve", "s3", "--config", "", "--addr", "127.0.0.1:\(port)", "--auth-key",
                "\(accessKeyID),\(secretAccessKey)", "--vfs-cache-mode", "off", "\(folder)/root",
            ] + (kind == .rclone ? [] : ["--cert", "\(folder)/certificate.pem", "--key", "\(folder)/key.pem"])
        }
    }

    private static func makeCertificate(in folder: String) throws {
        let log = try ChildProgram.open("\(folder)/log", O_RDWR | O_CREAT | O_APPEND)
        defer { close(log) }
        let command = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
            "\(folder)/key.pem", "-out", "\(folder)/certificate.pem", "-days", "2", "-subj", "/CN=scratch", "-addext",
            "subjectAltName=IP:127.0.0.1",
        ]
        guard try ChildProgram.wait(for: ChildProgram.spawn(command, input: log, output: log)) == 0 else {
            throw ScratchError(message: "openssl makes no certificate; see \(folder)/log")
        }
    }

    private static func makeFolder() throws -> String {
        var template = Array("/tmp/scratch-s3-XXXXXX".utf8CString)
        guard let folder = mkdtemp(&template).map({ String(cString: $0) }), mkdir(folder + "/root", 0o755) == 0 else {
            throw ScratchError(message: "no scratch folder: \(errno)")
        }
        return folder
    }

    /// Starts it under a shell that waits for the end of its input. moto ends by nothing less than SIGKILL while clients are
    /// connected.
    private static func launch(_ command: [String], in folder: String) throws -> Int32 {
        let script = """
            folder=$1; shift
            cd "$folder"
            "$@" & server=$!
            cat > /dev/null
            kill -KILL $server; wait $server
            rm -rf "$folder"
            """
        let log = try ChildProgram.open("\(folder)/log", O_WRONLY | O_CREAT | O_APPEND)
        defer { close(log) }
        let (read, write) = try ChildProgram.pipe()
        defer { close(read) }
        _ = try ChildProgram.spawn(["/bin/sh", "-c", script, "sh", folder] + command, input: read, output: log)
        return write
    }

    /// A foreign program tells nobody when it listens: looks until it does.
    private func waitUntilUp() throws {
        for _ in 0..<1200 {
            if canConnect() { return }
            usleep(50_000)
        }
        throw ScratchError(message: "\(kind.rawValue) doesn't listen after a minute; see \(folder)/log")
    }

    private func canConnect() -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
