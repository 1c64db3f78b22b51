/// Writes the inventory of a plan.
struct ImportedInventory: Sendable {
    let plan: ImportPlan
    /// The NodeODM API's address: ClusterODM's own, so that clients needn't change.
    let listen: String
    /// Whether `database` is in the environment, as a PostgreSQL URL; else it is a file beside the inventory.
    let isDatabaseElsewhere: Bool

    /// Where a node's token is kept, relative to the inventory.
    static func tokenFile(of backend: String) -> String { "tokens/\(backend)" }

    /// YAML.
    var text: String {
        var lines = [
            "# Written by `scaleodm import` from ClusterODM's files. What else there is: docs/configuration.md.",
            "listen: \(quoted(listen))",
            "database: \(isDatabaseElsewhere ? "${SCALEODM_DATABASE_URL}" : "sqlite:scaleodm.db")",
            "storage: {directory: storage}",
        ]
        if !plan.clients.isEmpty {
            lines += ["auth:", "  required: \(plan.isTokenRequired)", "  tokens:"]
            lines += plan.clients.map { "    - {name: \(quoted($0.name)), sha256: \($0.digest)}" }
        }
        lines.append(plan.backends.isEmpty ? "backends: []" : "backends:")
        for backend in plan.backends {
            lines.append("  - name: \(quoted(backend.name))")
            lines.append("    url: \(quoted(backend.node.url))")
            if backend.node.token != nil {
                lines.append("    token_file: \(quoted(Self.tokenFile(of: backend.name)))")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Hosts and names hold no quotes, no backslashes and no `${`; what a user typed is refused by the loader where it is wrong.
    private func quoted(_ text: String) -> String {
        "\"\(text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
    }
}
