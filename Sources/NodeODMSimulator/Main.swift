import Glibc
import HTTPServer
import Reactor

/// The program: reads the command line, opens the node's two ports, and ends by a signal with the task list saved.
@main
struct Main {
    private static let signals = [SIGTERM, SIGINT]

    /// Not `async`: signals must be blocked on the process's first thread, and an async main may run on another.
    static func main() {
        SignalStream.block(signals)
        let arguments = Array(CommandLine.arguments.dropFirst())
        if arguments.contains("--help") { return Console.say(SimulatorConfiguration.usage) }
        do {
            let configuration = try SimulatorConfiguration(arguments: arguments)
            let group = try EventLoopGroup(loops: 1, name: "node")
            group.start()
            let loop = group.loops[0]
            Task(executorPreference: loop) {
                do { try await serve(configuration, on: loop) } catch { end(error) }
            }
            while true { pause() }
        } catch {
            end(error)
        }
    }

    private static func end(_ error: any Error) -> Never {
        switch error {
        case let error as SimulatorError where error.code != .disk:
            Console.log("\(error.message)\n\n\(SimulatorConfiguration.usage)")
            exit(2)
        case let error as SimulatorError: Console.log(error.message)
        default: Console.log("\(error)")
        }
        exit(1)
    }

    /// Runs until a signal comes.
    private static func serve(_ configuration: SimulatorConfiguration, on loop: EventLoop) async throws {
        let node = try SimulatedNode(configuration, on: loop, pool: BlockingPool(threads: 2))
        let ends = try SignalStream.open(signals, on: loop)
        let api = try await listen(
            configuration.host, configuration.port, "api", on: loop, NodeRoutes(node: node).router())
        var line = "listening on \(configuration.host):\(api.localAddress?.port ?? 0)"
        var listeners = [api]
        if let port = configuration.controlPort {
            let control = try await listen("127.0.0.1", port, "control", on: loop, ControlRoutes(node: node).router())
            line += " control \(control.localAddress?.port ?? 0)"
            listeners.append(control)
        }
        await node.start()
        await withThrowingTaskGroup { group in
            for listener in listeners { group.addTask(executorPreference: loop) { try await listener.run() } }
            group.addTask(executorPreference: loop) { try await saveHourly(node) }
            Console.say(line)
            for listener in listeners {
                Console.say(
                    "\(listener.name == "api" ? "listening" : listener.name) on http://\(listener.localAddress?.description ?? "")"
                )
            }
            for await _ in ends { break }
            await node.dump()
            // Requests that are under way end with the process, as those of a service that is stopped.
            exit(0)
        }
    }

    private static func listen(
        _ host: String, _ port: UInt16, _ name: String, on loop: EventLoop, _ router: Router
    ) async throws -> HTTPListener {
        guard let address = SocketAddress(ip: host, port: port) else {
            throw SimulatorError(code: .arguments, message: "\(host) is no IP address")
        }
        let listener = HTTPListener(name: name, address: address, loops: [loop], react: router.reaction)
        try await listener.bind()
        return listener
    }

    private static func saveHourly(_ node: SimulatedNode) async throws {
        while true {
            try await node.clock.sleep(for: .seconds(3600))
            await node.dump()
        }
    }
}
