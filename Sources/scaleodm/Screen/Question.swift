import Glibc
internal import Reactor

/// Asks the user something on the terminal.
enum Question {
    /// Waits for one line.
    /// - Parameters:
    ///   - text: what is asked; the answer is typed behind it.
    ///   - loop: waits for the answer.
    /// - Returns: whether the answer begins with a y; false at the end of input.
    /// - Throws: `CancellationError`.
    static func ask(_ text: String, on loop: EventLoop) async throws -> Bool {
        Terminal.err(text)
        let watcher = FileDescriptorWatcher(descriptor: 0, on: loop)
        defer { watcher.close() }
        // In short waits, since a wait for a descriptor doesn't end with its task.
        while true {
            try Task.checkCancellation()
            do throws(ReactorError) { try await watcher.wait(for: .read, until: .now() + .milliseconds(200)) } catch {
                guard error.code == .timedOut else { throw error }
                continue
            }
            var line = [UInt8](repeating: 0, count: 256)
            let count = line.withUnsafeMutableBytes { read(0, $0.baseAddress, $0.count) }
            return count > 0 && (line[0] == UInt8(ascii: "y") || line[0] == UInt8(ascii: "Y"))
        }
    }

    /// Asks whether something is to be done that can't be undone.
    /// - Throws: `CommandError` where it isn't, or nobody can be asked.
    static func confirm(_ text: String, _ program: ClientProgram) async throws {
        guard Terminal.canAsk else { throw CommandError("nobody can be asked", advice: "Say --yes.") }
        let loop = program.loop
        let isMeant = try await program.interrupts.ending { try await ask(text, on: loop) }
        guard isMeant else { throw CommandError("nothing was changed") }
    }
}
