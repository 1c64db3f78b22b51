internal import Configuration
internal import Gateway
import Glibc

/// `scaleodm check FILE`: everything that is wrong in an inventory, at once; with `--probe` also in the world around it.
enum CheckCommand {
    static let verb = Verb(
        name: "check", summary: "report everything that is wrong in an inventory",
        arguments: [
            .init(name: "FILE", count: .oneOrNone, help: "the inventory, in YAML; without it ScaleODM's variables")
        ],
        flags: [
            Flag(name: "probe", help: "also ask every backend, the database and the storage whether they work"),
            Flag(name: "print", help: "show what it means, defaults filled in, secrets hidden"),
        ],
        details: """
            Without --probe nothing is contacted and nothing is made. With it each backend is asked for /info with its
            token, the database for its answer, and an object is written into the storage and removed: a line each.
            """,
        examples: ["scaleodm check gateway.yaml", "scaleodm check gateway.yaml --probe"],
        failure: "mistakes in it, or a probe that failed",
        run: { invocation in
            run(invocation.arguments.first, prints: invocation.has("print"), probes: invocation.has("probe"))
        })

    private static func run(_ path: String?, prints: Bool, probes: Bool) -> Int32 {
        let file = path ?? "environment"
        let loaded: LoadedInventory
        do throws(InventoryError) { loaded = try InventoryLoader().load(file: path) } catch {
            Terminal.err("\(error)\n")
            return 1
        }
        for warning in loaded.warnings { Terminal.err("warning: \(warning)\n") }
        let problems = DefinitionCheck.problems(in: loaded.inventory)
        for problem in problems { Terminal.err("\(file): \(problem)\n") }
        if !problems.isEmpty { return 1 }
        if prints { Terminal.out(loaded.inventory.printed()) }
        let count = loaded.inventory.backends.count
        Terminal.out("\(file): \(count == 1 ? "1 backend" : "\(count) backends"), no errors\n")
        return probes ? probe(loaded.inventory) : 0
    }

    private static func probe(_ inventory: Inventory) -> Int32 {
        ClientProgram.run("check") { program in
            let probe = InventoryProbe(inventory, loop: program.loop, pool: program.pool)
            let results = try await program.interrupts.ending { await probe.run() }
            var table = TextTable(["RESULT", "WHAT", "DETAIL"])
            for result in results {
                table.add([
                    result.isGood ? .init("good", .green) : .init("FAILED", .red), .init(result.subject),
                    .init(result.detail),
                ])
            }
            Terminal.out(table.text)
            let failures = results.count { !$0.isGood }
            if failures > 0 { throw CommandError("\(failures) of \(results.count) probes failed") }
        }
    }
}
