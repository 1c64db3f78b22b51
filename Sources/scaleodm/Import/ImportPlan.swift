internal import Digests
internal import Model

/// What ClusterODM's two files become: backends, clients' tokens, and tasks on those backends.
struct ImportPlan: Sendable {
    /// A backend of the inventory.
    struct Backend: Sendable, Equatable {
        var name: String
        var node: ClusterNode
    }

    /// A token that clients used, known by its digest alone from now on.
    struct Client: Sendable, Equatable {
        var name: String
        var token: String
        var digest: String { "\(SHA256.digest(of: token))" }
    }

    /// A task and where it is.
    struct Task: Sendable, Equatable {
        var route: ClusterRoute
        var backend: String
        /// The name of its client's token.
        var owner: String?
    }

    private(set) var backends: [Backend] = []
    private(set) var clients: [Client] = []
    private(set) var tasks: [Task] = []
    private(set) var warnings: [String] = []

    /// - Parameters:
    ///   - nodes: of `nodes.json`.
    ///   - routes: of `routes.json`.
    init(nodes: [ClusterNode], routes: [ClusterRoute]) {
        let used = Set(routes.map(\.node.place))
        for node in nodes {
            guard !node.isSpawned || used.contains(node.place) else {
                warnings.append(
                    "\(node.hostname):\(node.port) was started by ClusterODM's autoscaler and has no task: left out")
                continue
            }
            if node.isSpawned {
                warnings.append(
                    "\(node.hostname):\(node.port) was started by ClusterODM's autoscaler, which won't stop it any more; "
                        + "it is locked, and stays for its tasks")
            }
            add(node)
        }
        for route in routes { add(route) }
        let anonymous = tasks.count { $0.owner == nil }
        if !clients.isEmpty, anonymous > 0 {
            warnings.append(
                "tasks came with a token (\(tasks.count - anonymous)) and without one (\(anonymous)): auth.required is "
                    + "false, and who comes without a token sees the latter")
        }
    }

    /// Whether clients without a token are to be served.
    var isTokenRequired: Bool { !clients.isEmpty && !tasks.contains { $0.owner == nil } }

    /// Backends that get no new tasks until they are unlocked.
    var locked: [String] { backends.filter { $0.node.isLocked || $0.node.isSpawned }.map(\.name) }

    private mutating func add(_ node: ClusterNode) { backends.append(Backend(name: freeName(for: node), node: node)) }

    private mutating func add(_ route: ClusterRoute) {
        // ClusterODM forgets the tasks of a node that isn't listed any more; here they go on to answer.
        if !backends.contains(where: { $0.node.place == route.node.place }) {
            warnings.append(
                "\(route.node.hostname):\(route.node.port) isn't in the list of nodes but has tasks: it is added, locked"
            )
            var node = route.node
            node.isLocked = true
            add(node)
        }
        guard let backend = backends.first(where: { $0.node.place == route.node.place }) else { return }
        tasks.append(Task(route: route, backend: backend.name, owner: route.token.map { owner(for: $0) }))
    }

    private mutating func owner(for token: String) -> String {
        if let known = clients.first(where: { $0.token == token }) { return known.name }
        let client = Client(name: "clusterodm-\(clients.count + 1)", token: token)
        clients.append(client)
        return client.name
    }

    /// The host's own name, as far as a backend may be called so.
    private func freeName(for node: ClusterNode) -> String {
        var base = String(node.hostname.map { $0 == ":" ? "-" : $0 }.drop { !($0.isLetter || $0.isNumber) }.prefix(50))
        if BackendName(base) == nil { base = "node" }
        let taken = Set(backends.map { $0.name.lowercased() })
        let choices = [base, "\(base)-\(node.port)"] + (2...(backends.count + 3)).map { "\(base)-\(node.port)-\($0)" }
        return choices.first { !taken.contains($0.lowercased()) } ?? base
    }
}
