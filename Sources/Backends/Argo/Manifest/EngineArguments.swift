internal import NodeODM

/// The options of a task as the engine's argument vector (the Argo contract, 3.3). No shell ever sees it.
enum EngineArguments {
    /// Names that a user can't set: they'd move the project, or start in the middle of one that isn't there.
    static let forbidden: Set<String> = [
        "project-path", "name", "copy-to", "rerun", "rerun-from", "rerun-all", "help", "h", "version",
    ]

    /// Elements for the engine.
    /// - Parameters:
    ///   - options: validated ones, names known to the engine.
    ///   - forced: names that the cluster sets itself; the user's are left out.
    /// - Returns: `--name`, `--name` and value, or `--name=value` where the value could be taken for a name.
    static func vector(of options: [TaskOption], without forced: Set<String> = []) -> [String] {
        var seen = forced.union(forbidden)
        var vector: [String] = []
        for option in options where isName(option.name) && seen.insert(option.name).inserted {
            switch option.value {
            case .bool(let isSet):
                if isSet { vector.append("--\(option.name)") }
            case .integer, .double, .string:
                let text = option.value.text
                if text.hasPrefix("-") {
                    vector.append("--\(option.name)=\(text)")
                } else {
                    vector += ["--\(option.name)", text]
                }
            }
        }
        return vector
    }

    private static func isName(_ text: String) -> Bool {
        text.utf8.allSatisfy {
            (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-")
        } && !text.isEmpty && !text.hasPrefix("-")
    }
}
