import Glibc

/// A TLS server of the openssl command, with a certificate of its own making for `node1.example.org`.
///
/// Ends with its object: the child is killed by its own process id.
final class TLSServer {
    /// Where it listens on 127.0.0.1.
    let port: UInt16
    /// PEM file of the certificate, which signs itself.
    let certificate: String
    private let folder: String
    private let child: pid_t

    /// Starts the server; nil where there is no openssl command.
    init?() {
        var template = Array("/tmp/scaleodm-tls-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { return nil }
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        certificate = "\(folder)/certificate.pem"
        let key = "\(folder)/key.pem"
        let made = Self.spawn([
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key,
            "-out", certificate, "-days", "2", "-subj", "/CN=node1.example.org", "-addext",
            "subjectAltName=DNS:node1.example.org",
        ])
        guard let made, Self.wait(for: made.child) == 0 else { return nil }
        close(made.output)
        let served = Self.spawn(["s_server", "-accept", "127.0.0.1:0", "-cert", certificate, "-key", key, "-www"])
        guard let served, let port = Self.portLine(from: served.output) else { return nil }
        child = served.child
        self.port = port
    }

    deinit {
        kill(child, SIGKILL)
        _ = Self.wait(for: child)
        for name in ["certificate.pem", "key.pem"] { unlink("\(folder)/\(name)") }
        rmdir(folder)
    }

    /// Starts openssl with its output in a pipe.
    private static func spawn(_ arguments: [String]) -> (child: pid_t, output: Int32)? {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return nil }
        defer { close(ends[1]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_addclose(&actions, ends[0])
        var words: [UnsafeMutablePointer<CChar>?] = (["openssl"] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var child: pid_t = 0
        guard posix_spawnp(&child, "openssl", &actions, nil, &words, environ) == 0 else {
            close(ends[0])
            return nil
        }
        return (child, ends[0])
    }

    private static func wait(for child: pid_t) -> Int32 {
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        return status
    }

    /// Reads until the line that says where the server listens.
    private static func portLine(from descriptor: Int32) -> UInt16? {
        var text = ""
        var buffer = [UInt8](repeating: 0, count: 256)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return nil }
            text += String(decoding: buffer[..<count], as: UTF8.self)
            for line in text.split(separator: "\n").dropLast(text.hasSuffix("\n") ? 0 : 1)
            where line.hasPrefix("ACCEPT ") {
                return line.split(separator: ":").last.flatMap { UInt16($0) }
            }
        }
    }
}
