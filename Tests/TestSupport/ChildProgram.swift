internal import Glibc

/// Starts and waits for other programs; blocking, so for a thread of its own.
enum ChildProgram {
    /// The first folder that has all of the programs.
    static func folder(of programs: [String], in folders: [String]) -> String? {
        folders.first { folder in programs.allSatisfy { access("\(folder)/\($0)", X_OK) == 0 } }
    }

    /// Starts a program with the two descriptors as its input and its output and errors, and no others.
    static func spawn(_ command: [String], input: Int32, output: Int32) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, output, 2)
        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        var environment: [UnsafeMutablePointer<CChar>?] = [
            strdup("PATH=/usr/sbin:/usr/bin:/sbin:/bin"), strdup("LC_ALL=C"), nil,
        ]
        defer { for text in arguments + environment { free(text) } }
        var child = pid_t()
        let code = posix_spawnp(&child, command[0], &actions, nil, &arguments, &environment)
        guard code == 0 else { throw ScratchError(message: "\(command[0]) can't be started: \(code)") }
        return child
    }

    /// Waits for a child's end.
    /// - Returns: its wait status; 0 is success.
    static func wait(for child: pid_t) throws -> Int32 {
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0 {
            guard errno == EINTR else { throw ScratchError(message: "waitpid: \(errno)") }
        }
        return status
    }

    /// Opens a file that children don't inherit.
    static func open(_ path: String, _ flags: Int32) throws -> Int32 {
        let descriptor = Glibc.open(path, flags | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw ScratchError(message: "\(path): \(errno)") }
        return descriptor
    }

    /// A pipe that children don't inherit, so that closing its writing end is seen at the other.
    static func pipe() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [-1, -1]
        // A socket pair, since pipe(2) can't set the flag at once and pipe2(2) isn't imported.
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw ScratchError(message: "socketpair: \(errno)") }
        return (ends[0], ends[1])
    }
}
