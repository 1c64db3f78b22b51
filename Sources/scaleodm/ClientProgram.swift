import Glibc
internal import HTTPClient
internal import Reactor

/// What a verb that talks to a gateway works with.
struct ClientProgram: Sendable {
    let loop: EventLoop
    let pool: BlockingPool
    let http: CurlClient
    let interrupts: Interrupts

    /// Runs a verb on an event loop of its own; its end is the program's.
    /// - Parameters:
    ///   - verb: for messages.
    ///   - work: throws `CommandError` where it failed.
    /// - Returns: never 2.
    static func run(
        _ verb: String, _ work: @escaping @Sendable (ClientProgram) async throws -> Void
    ) -> Int32 {
        Interrupts.block()
        let group: EventLoopGroup
        do throws(ReactorError) { group = try EventLoopGroup(loops: 1, name: "loop") } catch {
            Terminal.err("scaleodm \(verb): \(error)\n")
            return 1
        }
        group.start()
        let loop = group.loops[0]
        let program = ClientProgram(
            loop: loop, pool: BlockingPool(threads: 8), http: CurlClient(loop: loop),
            interrupts: Interrupts(loop: loop))
        // The program's one root task.
        Task(executorPreference: loop) {
            exit(await program.life(of: verb, work))
        }
        while true { pause() }
    }

    private func life(
        of verb: String, _ work: @escaping @Sendable (ClientProgram) async throws -> Void
    ) async -> Int32 {
        let listening = Task(executorPreference: loop) { [interrupts] in try await interrupts.listen() }
        defer { listening.cancel() }
        do {
            try await work(self)
            return 0
        } catch is Interrupts.Interrupted {
            Terminal.err("scaleodm \(verb): interrupted\n")
            return 1
        } catch {
            Terminal.err("scaleodm \(verb): \(error)\n")
            return 1
        }
    }
}
