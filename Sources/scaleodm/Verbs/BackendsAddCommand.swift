internal import HTTPTypes
internal import NodeODM

/// `scaleodm backends add`: a backend beside those of the inventory.
enum BackendsAddCommand {
    private static let url = Flag(name: "url", value: "URL", isRequired: true, help: "where it is")
    private static let set = Flag(
        name: "set", value: "KEY=VALUE", repeats: true,
        help: "any other key of a backend in the inventory, such as tier=1, labels.zone=eu or token=…")

    static let verb = Verb(
        name: "backends add", summary: "add a backend to a running gateway",
        arguments: [.init(name: "NAME", help: "what it is to be called")], flags: [url, set, .json, .admin, .token],
        details: """
            It is kept in the gateway's database, and so over restarts, until `backends remove`. A secret may be named as
            ${SCALEODM_BACKEND_…}, a variable of the gateway; given as it is, it is kept in the database.
            """,
        examples: ["scaleodm backends add node9 --url http://node9.example.org:3000 --set tier=1"],
        failure: "a mistake in it, or the admin listener does not answer",
        run: { invocation in
            ClientProgram.run("backends add") { program in try await run(invocation, program) }
        })

    private static func run(_ invocation: Invocation, _ program: ClientProgram) async throws {
        let name = invocation.arguments[0]
        let definition = try definition(name, url: invocation.value(url) ?? "", invocation.all("set"))
        let answer = try await BackendsChangeCommands.change(
            invocation, program, .post, ["api", "backends"], body: definition)
        Terminal.out(invocation.has("json") ? answer.line : "\(name.printable) is added\n")
    }

    /// What the gateway is sent.
    static func definition(_ name: String, url: String, _ pairs: [String]) throws(CommandError) -> JSONValue {
        var members = [JSONMember(name: "name", value: .string(name)), JSONMember(name: "url", value: .string(url))]
        var groups: [String: [JSONMember]] = [:]
        for pair in pairs {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, !parts[0].isEmpty else { throw CommandError("`\(pair)` is not KEY=VALUE") }
            let path = parts[0].split(separator: ".", maxSplits: 1).map(String.init)
            let member = JSONMember(name: path.last ?? parts[0], value: value(parts[1]))
            if path.count == 2 { groups[path[0], default: []].append(member) } else { members.append(member) }
        }
        for (key, inner) in groups.sorted(by: { $0.key < $1.key }) {
            members.append(JSONMember(name: key, value: .object(inner)))
        }
        return .object(members)
    }

    private static func value(_ text: String) -> JSONValue {
        if text == "true" || text == "false" { return .bool(text == "true") }
        if let number = Int64(text) { return .integer(number) }
        if text.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2E }), let number = Double(text) {
            return .double(number)
        }
        return .string(text)
    }
}
