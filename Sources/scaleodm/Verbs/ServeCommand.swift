internal import Configuration
internal import Gateway
import Glibc
internal import Observability
internal import Reactor

/// `scaleodm serve -c FILE`: runs the gateway until SIGTERM or SIGINT, then drains; a second signal ends at once.
enum ServeCommand {
    private static let config = Flag(
        name: "config", letter: "c", value: "FILE",
        help: "the inventory, in YAML; without it ScaleODM's variables are read")

    static let verb = Verb(
        name: "serve", summary: "run the gateway", flags: [config],
        details: """
            Runs until SIGTERM or Ctrl-C, then lets what runs come to an end (`drain` in the inventory); a second signal
            ends it at once. SIGHUP reads the inventory again, as does every change of the file. Addresses go to standard output, the log to standard error.
            Without a file it is one Argo backend in the cluster that it runs in, from the variables of ScaleODM: SCALEODM_DATABASE_URL and more,
            see docs/configuration.md.
            """,
        examples: ["scaleodm serve -c gateway.yaml"],
        failure: "a mistake in the inventory, or it could not start",
        run: { invocation in run(invocation.value(config)) })

    private static func run(_ path: String?) -> Int32 {
        let loaded: LoadedInventory
        do throws(InventoryError) { loaded = try InventoryLoader().load(file: path) } catch {
            Terminal.err("\(error)\n")
            return 1
        }
        for warning in loaded.warnings { Terminal.err("warning: \(warning)\n") }
        raiseDescriptorLimit()
        // Before any thread starts, so that every thread inherits the mask.
        SignalStream.block([SIGTERM, SIGINT, SIGHUP])
        // The environment of a process doesn't change.
        let source = path.map { path in
            InventorySource(path: path) { () throws(InventoryError) in try InventoryLoader().load(path: path) }
        }
        do { return try serve(loaded.inventory, source) } catch {
            Terminal.err("scaleodm: \(error)\n")
            return 1
        }
    }

    /// Takes all descriptors that the system grants: shells and containers start programs with 1,024, which as many clients use up.
    /// Where it may not, what it has must do.
    private static func raiseDescriptorLimit() {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(resource, &limit)
    }

    private static func serve(_ inventory: Inventory, _ source: InventorySource?) throws -> Int32 {
        let format: LogFormat? =
            switch inventory.log.format {
            case .auto: nil
            case .text: .text
            case .json: .json
            }
        let logger = Logger(sink: LogSink(descriptor: 2, format: format), level: inventory.log.level)
        let data = try EventLoopGroup(loops: EventLoopGroup.usableProcessors, name: "loop")
        let control = try EventLoopGroup(loops: 1, name: "control")
        data.start()
        control.start()
        let loop = control.loops[0]
        let service = GatewayService(
            inventory, loops: data.loops, control: loop, logger: logger, source: source,
            environment: { getenv($0).map { String(cString: $0) } })
        // The program's one root task: it owns everything, and its end is the program's.
        Task(executorPreference: loop) {
            exit(await life(of: service, drainDelay: inventory.drain.delay, on: loop, logger))
        }
        while true { pause() }
    }

    private static func life(
        of service: GatewayService, drainDelay: Duration, on loop: EventLoop, _ logger: Logger
    ) async -> Int32 {
        let supervision = Supervision(environment: InventoryLoader.processEnvironment)
        let running = Task(executorPreference: loop) {
            try await service.run { listener, address in
                switch listener {
                case .admin: Terminal.out("admin on http://\(address)\n")
                case .api:
                    Terminal.out("listening on http://\(address)\n")
                    supervision.serving("\(address)")
                }
            }
        }
        let supervising = Task(executorPreference: loop) { try await supervision.run(on: loop) { service.isAlive } }
        let signals = Task(executorPreference: loop) {
            var isSecond = false
            for await signal in try SignalStream.open([SIGTERM, SIGINT, SIGHUP], on: loop) {
                if signal == SIGHUP {
                    reload(service, supervision, on: loop)
                    continue
                }
                if isSecond { exit(1) }
                isSecond = true
                logger.info("draining")
                supervision.draining()
                service.announceDraining()
                // A person at a terminal has no balancer that must notice first.
                if signal == SIGINT { running.cancel() } else { drain(running, after: drainDelay, on: loop) }
            }
        }
        let flushing = Task(executorPreference: loop) {
            while true {
                try await loop.sleep(for: .seconds(1))
                logger.sink.flush()
            }
        }
        defer {
            signals.cancel()
            supervising.cancel()
            flushing.cancel()
            logger.sink.flush()
        }
        do {
            try await running.value
            return 0
        } catch is CancellationError {
            return 0
        } catch {
            Terminal.err("scaleodm: \(error)\n")
            return 1
        }
    }

    /// Beside the signals that come next.
    private static func reload(_ service: GatewayService, _ supervision: Supervision, on loop: EventLoop) {
        Task(executorPreference: loop) {
            supervision.reloading()
            await service.reload()
            supervision.reloaded("the inventory was read again")
        }
    }

    /// Goes on accepting for a while after /readyz said no, so that whoever sends clients here learns of it before they are refused.
    private static func drain(_ running: Task<Void, any Error>, after delay: Duration, on loop: EventLoop) {
        Task(executorPreference: loop) {
            try await loop.sleep(for: delay)
            running.cancel()
        }
    }
}
