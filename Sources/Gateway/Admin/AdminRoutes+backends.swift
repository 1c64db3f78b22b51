internal import Configuration
internal import HTTPServer
internal import HTTPTypes
internal import Model
internal import NodeODM
internal import Reactor
internal import YAML

/// Changes of backends: switches, evacuation, and those that are added at run time.
extension AdminRoutes {
    func addBackendChanges(to router: inout Router) {
        change(&router, .post, "/api/backends", "api_backend_add") { call, parts in
            let text = Self.yaml(.object(call.body)).printed()
            let name = try await parts.backends.roster.add(text)
            parts.backends.parts.placement.wake()
            return Self.state(of: name, parts, .created)
        }
        change(&router, .delete, "/api/backends/{name}", "api_backend_remove", query: ["forget"]) { call, parts in
            let name = try Self.name(call)
            try await parts.backends.roster.remove(name, givesUp: try call.query.flag("forget"))
            parts.backends.parts.placement.wake()
            return Self.state(of: name, parts)
        }
        switching(&router, "lock") { roster, name in try await roster.setSwitches(of: name, locked: true) }
        switching(&router, "unlock") { roster, name in try await roster.setSwitches(of: name, locked: false) }
        switching(&router, "drain") { roster, name in try await roster.setSwitches(of: name, draining: true) }
        switching(&router, "undrain") { roster, name in try await roster.setSwitches(of: name, draining: false) }
        change(&router, .post, "/api/backends/{name}/evacuate", "api_backend_evacuate") { call, parts in
            let name = try Self.name(call)
            try await parts.backends.roster.setSwitches(of: name, draining: true)
            let evacuation = try await parts.backends.dispatcher.evacuate(name)
            return .object { json in
                json.key("backend")
                json.string(name.string)
                json.key("moved")
                json.integer(evacuation.moved)
                json.key("left")
                json.integer(evacuation.left)
            }
        }
    }

    private func switching(
        _ router: inout Router, _ verb: String, _ work: @escaping @Sendable (Roster, BackendName) async throws -> Void
    ) {
        change(&router, .post, "/api/backends/{name}/\(verb)", "api_backend_\(verb)") { call, parts in
            let name = try Self.name(call)
            try await work(parts.backends.roster, name)
            parts.backends.parts.placement.wake()
            return Self.state(of: name, parts)
        }
    }

    private static func name(_ call: AdminCall) throws -> BackendName {
        guard let name = BackendName(call.captures["name"]) else {
            throw AdminError(.notFound, "There is no such backend.")
        }
        return name
    }

    /// The backend as /api/backends shows it; `{"name": …, "state": "removed"}` where it is gone.
    private static func state(
        of name: BackendName, _ parts: GatewayStatus.Parts, _ status: HTTPStatus = .ok
    ) -> AdminReply {
        if let json = backends(parts).json(of: name) { return AdminReply(status, json) }
        return .object { json in
            json.key("name")
            json.string(name.string)
            json.key("state")
            json.string("removed")
        }
    }

    /// JSON as the inventory has it, so that one reader knows all keys.
    private static func yaml(_ value: JSONValue) -> YAMLValue {
        switch value {
        case .null: .null
        case .bool(let bool): .plain(bool ? "true" : "false")
        case .integer(let number): .plain("\(number)")
        case .double(let number): .plain("\(number)")
        case .string(let text): .text(text)
        case .array(let values): .list(values.map(yaml))
        case .object(let members): .mapping(members.map { (key: $0.name, value: yaml($0.value)) })
        }
    }
}
