internal import Configuration
internal import NodeODM

/// Where a gateway or its admin listener is, as the user named it.
struct ServerAddress: Sendable {
    let endpoint: NodeEndpoint
    /// The flag that names it.
    let flag: Flag

    /// - Throws: `CommandError` for what is no http or https URL.
    init(_ invocation: Invocation, _ flag: Flag, token: String?) throws(CommandError) {
        let text = invocation.value(flag) ?? ""
        try self.init(text.contains("://") ? text : "http://\(text)", flag, token: token)
    }

    private init(_ text: String, _ flag: Flag, token: String?) throws(CommandError) {
        guard let url = HTTPURL(text), url.query == nil else {
            throw CommandError(
                "`\(text)` is no URL of a server", advice: "Write --\(flag.name) http://HOST:PORT, or https://…")
        }
        endpoint = NodeEndpoint(
            isTLS: url.isSecure, host: url.host, port: url.port, basePath: url.path, token: token)
        self.flag = flag
    }

    /// A server that was started by this program.
    static func own(_ text: String, _ flag: Flag) throws(CommandError) -> ServerAddress {
        try ServerAddress(text, flag, token: nil)
    }

    /// Nobody answers there.
    func silence(_ reason: String) -> CommandError {
        let variable = flag.environment.map { " or \($0)" } ?? ""
        return CommandError(
            "\(flag.help) at \(endpoint) does not answer: \(reason)",
            advice: "Is it running? Name another one with --\(flag.name) URL\(variable).")
    }

    /// It refused the token, or wants one.
    var wantsToken: CommandError {
        let what = endpoint.token == nil ? "wants a token" : "does not take this token"
        return CommandError(
            "\(flag.help) at \(endpoint) \(what)", advice: "Give one with --token TEXT or SCALEODM_TOKEN.")
    }
}
