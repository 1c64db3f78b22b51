internal import NodeODM

/// What a node says of options that it refuses, for people: the node says it in JSON inside its error text (contract, section 6).
enum RefusedOptions {
    /// - Parameter message: of a refusal.
    /// - Returns: nil where it isn't about options.
    static func error(_ message: String) -> CommandError? {
        guard let entries = (try? JSONValue(parsing: message))?.array, !entries.isEmpty else { return nil }
        var sentences: [String] = []
        for entry in entries {
            guard let name = entry["name"]?.text, let reason = entry["error"]?.text else { return nil }
            sentences.append("\(name.printable): \(reason.printable)")
        }
        let what = sentences.count == 1 ? "an option is refused" : "\(sentences.count) options are refused"
        return CommandError("\(what)\n" + sentences.map { "  \($0)" }.joined(separator: "\n"))
    }
}
