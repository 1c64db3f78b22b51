internal import Configuration

/// `scaleodm check FILE`: everything that is wrong in an inventory, at once.
enum CheckCommand {
    static func run(_ arguments: [String]) -> Int32 {
        let prints = arguments.contains("--print")
        guard let file = arguments.first(where: { !$0.hasPrefix("-") }) else {
            Terminal.err("usage: scaleodm check FILE [--print]\n")
            return 2
        }
        do throws(InventoryError) {
            let loaded = try InventoryLoader().load(path: file)
            for warning in loaded.warnings { Terminal.err("\(warning)\n") }
            if prints { Terminal.out(loaded.inventory.printed()) }
            Terminal.out("\(file): \(loaded.inventory.backends.count) backends, no errors\n")
            return 0
        } catch {
            Terminal.err("\(error)\n")
            return 1
        }
    }
}
