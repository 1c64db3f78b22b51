internal import CShims
import Glibc
internal import Reactor
import Synchronization

/// A program that the demo started, in a process group of its own: Ctrl-C reaches it only through the demo, which stops
/// what it started in order.
final class ChildProcess: Sendable {
    private let name: String
    private let pid: pid_t
    private let output: Int32
    private let log: String
    private let heard = Mutex<[UInt8]>([])
    private let loop: EventLoop

    private static let patience = Duration.seconds(20)

    /// Starts a program.
    /// - Parameters:
    ///   - name: for messages.
    ///   - words: the program's path and its arguments.
    ///   - log: the file that gets its standard error.
    ///   - loop: waits for what it says.
    /// - Throws: `CommandError`.
    init(_ name: String, _ words: [String], log: String, on loop: EventLoop) throws(CommandError) {
        var ends: [Int32] = [0, 0]
        guard shim_pipe_nonblocking(&ends) == 0 else { throw CommandError("pipe: \(Self.reason(errno))") }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_addopen(&actions, 2, log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        posix_spawnattr_setpgroup(&attributes, 0)
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
        arguments.append(nil)
        defer { for argument in arguments { free(argument) } }
        var pid = pid_t()
        let result = posix_spawn(&pid, words[0], &actions, &attributes, arguments, environ)
        close(ends[1])
        guard result == 0 else {
            close(ends[0])
            throw CommandError("\(words[0]) can't be started: \(Self.reason(result))")
        }
        self.name = name
        self.pid = pid
        self.log = log
        self.loop = loop
        output = ends[0]
    }

    deinit { close(output) }

    /// Waits for a line of its standard output.
    /// - Parameter beginning: of the line.
    /// - Returns: the rest of the line.
    /// - Throws: `CommandError` where it ends, or says nothing for too long.
    func line(after beginning: String) async throws -> String {
        let watcher = FileDescriptorWatcher(descriptor: output, on: loop)
        defer { watcher.close() }
        let deadline = MonotonicTime.now() + Self.patience
        while true {
            if let found = find(beginning) { return found }
            do throws(ReactorError) { try await watcher.wait(for: .read, until: deadline) } catch {
                throw CommandError("\(name) did not start within \(Self.patience.shortText)", advice: "Its log: \(log)")
            }
            guard take() else { throw CommandError("\(name) ended at once", advice: "Its log: \(log)") }
        }
    }

    /// Ends it: SIGTERM, and SIGKILL where that isn't enough.
    func stop() async {
        kill(pid, SIGTERM)
        let deadline = MonotonicTime.now() + .seconds(5)
        while MonotonicTime.now() < deadline {
            if waitpid(pid, nil, WNOHANG) != 0 { return }
            // Also in a cancelled task: what was started is stopped in any case.
            await Task(executorPreference: loop) { [loop] in try? await loop.sleep(for: .milliseconds(20)) }.value
        }
        kill(pid, SIGKILL)
        waitpid(pid, nil, 0)
    }

    /// - Returns: false at the end of its output.
    private func take() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBytes { read(output, $0.baseAddress, $0.count) }
        guard count > 0 else { return count < 0 && errno == EAGAIN }
        heard.withLock { $0 += buffer.prefix(count) }
        return true
    }

    private func find(_ beginning: String) -> String? {
        let text = String(decoding: heard.withLock { $0 }, as: UTF8.self)
        // A line counts once its end is there.
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        return lines.first { $0.hasPrefix(beginning) }.map { String($0.dropFirst(beginning.count)) }
    }

    private static func reason(_ number: Int32) -> String { String(cString: strerror(number)) }
}
