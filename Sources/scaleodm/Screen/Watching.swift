internal import Reactor

/// `--watch`: the same screen anew every two seconds, until Ctrl-C.
enum Watching {
    /// The flag of every verb that can.
    static let flag = Flag(name: "watch", help: "show it anew every two seconds, until Ctrl-C")

    private static let pause = Duration.seconds(2)

    /// Shows something once, or again and again where the flag is given.
    /// - Parameters:
    ///   - invocation: may have the flag.
    ///   - program: what it runs in.
    ///   - text: what is to be seen now.
    /// - Throws: what `text` throws, and `Interrupted` where one look was interrupted.
    static func run(
        _ invocation: Invocation, _ program: ClientProgram, _ text: @escaping @Sendable () async throws -> String
    ) async throws {
        guard invocation.has(flag.name) else {
            return Terminal.out(try await program.interrupts.ending { try await text() })
        }
        // A program reads one JSON a line; people a screen.
        let clear = invocation.has("json") ? "" : Terminal.clear
        do {
            try await program.interrupts.ending {
                while true {
                    Terminal.out(clear + (try await text()))
                    try await program.loop.sleep(for: pause)
                }
            }
        } catch is Interrupts.Interrupted {
            // How a watch ends.
        }
    }
}
