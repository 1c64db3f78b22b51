internal import Model
internal import NodeODM

/// One entry of ClusterODM's `routes.json`: `"uuid": {"node": {…}, "token": …, "accessed": milliseconds}`.
struct ClusterRoute: Equatable, Sendable {
    var task: TaskID
    var node: ClusterNode
    /// What its client presented; nil for nothing.
    var token: String?
    /// When somebody last asked for it.
    var accessed: Timestamp?

    /// A whole `routes.json`: an object.
    /// - Parameters:
    ///   - text: its bytes.
    ///   - file: its name, for messages.
    /// - Returns: the routes, the oldest first.
    /// - Throws: `CommandError` that says which entry is wrong, and how.
    static func list(_ text: [UInt8], file: String) throws(CommandError) -> [ClusterRoute] {
        let json = try ClusterFile.json(text, file)
        guard let members = json.members else {
            throw CommandError(
                "\(file): an object of tasks is expected", advice: "It is data/routes.json in ClusterODM's folder.")
        }
        var routes: [TaskID: ClusterRoute] = [:]
        for member in members {
            let place = "\(file): task `\(member.name.printable)`"
            guard let task = TaskID(member.name) else { throw CommandError("\(place): that is no task's uuid") }
            guard let node = member.value["node"] else { throw CommandError("\(place): `node` is missing") }
            routes[task] = ClusterRoute(
                task: task, node: try ClusterNode(node, at: "\(place): node"),
                token: member.value["token"]?.text.flatMap { $0.isEmpty ? nil : $0 },
                accessed: member.value["accessed"]?.integer.flatMap { $0 > 0 ? Timestamp(milliseconds: $0) : nil })
        }
        return routes.values.sorted {
            let (left, right) = ($0.accessed?.milliseconds ?? 0, $1.accessed?.milliseconds ?? 0)
            return left == right ? $0.task.key < $1.task.key : left < right
        }
    }
}
