import Glibc

/// `scaleodm demo`: the main job, on this machine, with simulated nodes.
enum DemoCommand {
    static let verb = Verb(
        name: "demo", summary: "show it all: two simulated nodes, the gateway, two tasks from images to results",
        flags: [
            Flag(name: "stay", help: "go on until Ctrl-C, with a new task now and then, to look at the dashboard"),
            Flag(name: "keep", help: "keep the folder with inventory, logs, images and results"),
        ],
        details: """
            Everything happens in a temporary folder and on loopback ports that are free; what was started is stopped at
            the end, also after Ctrl-C.
            """,
        examples: ["scaleodm demo", "scaleodm demo --stay"],
        failure: "something did not work",
        run: { invocation in
            ClientProgram.run("demo") { program in try await run(invocation, program) }
        })

    private static func run(_ invocation: Invocation, _ program: ClientProgram) async throws {
        let own = try ownPath()
        let simulator = "\(own[..<(own.lastIndex(of: "/") ?? own.startIndex)])/NodeODMSimulator"
        guard access(simulator, X_OK) == 0 else {
            throw CommandError(
                "the simulated nodes' program is not there: \(simulator)",
                advice: "Run `make build` in the source tree: it makes both programs side by side.")
        }
        let folder = try DemoFolder()
        let demo = Demo(
            program: program, folder: folder, scaleodm: own, simulator: simulator, children: StartedPrograms(),
            stays: invocation.has("stay"))
        // A second Ctrl-C waits for the clean-up, which is bounded.
        let outcome = await program.interrupts.shielding { () async -> Result<Void, any Error> in
            let outcome: Result<Void, any Error>
            do { outcome = .success(try await program.interrupts.ending { try await demo.run() }) } catch {
                // What stays is meant to end so.
                outcome = demo.stays && error is Interrupts.Interrupted ? .success(()) : .failure(error)
            }
            await demo.children.stop()
            var isKept = invocation.has("keep")
            if case .failure(let error) = outcome, error is CommandError { isKept = true }
            if isKept { Terminal.err("Everything is in \(folder.path)\n") } else { folder.remove() }
            return outcome
        }
        try outcome.get()
        Demo.say("Everything that was started has been stopped.")
        Demo.say(Demo.nextSteps)
    }

    private static func ownPath() throws(CommandError) -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        guard count > 0 else { throw CommandError("the program's own path can't be read from /proc/self/exe") }
        return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
