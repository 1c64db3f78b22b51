internal import HTTPClient
internal import HTTPTypes
internal import NodeODM

/// `scaleodm health`: whether a gateway is well, as an exit code for whoever runs it.
enum HealthCommand {
    static let verb = Verb(
        name: "health", summary: "tell whether a gateway is alive, or with --ready whether it takes clients",
        flags: [
            Flag(name: "ready", help: "ask /readyz, whether clients should be sent to it, instead of /healthz"), .admin,
        ],
        details: """
            For containers and scripts: the admin listener answers /healthz while each event loop of the gateway turns, and \
            /readyz while clients should be sent to it. Neither asks for a token. At most 4 s.
            """,
        examples: ["scaleodm health", "scaleodm health --ready --admin http://127.0.0.1:31101"],
        failure: "it is not, or does not answer",
        run: { invocation in
            ClientProgram.run("health") { program in try await run(invocation, program) }
        })

    private static func run(_ invocation: Invocation, _ program: ClientProgram) async throws {
        let address = try ServerAddress(invocation, .admin, token: nil)
        let isReadiness = invocation.has("ready")
        var bare = address.endpoint
        bare.basePath = ""
        let target = address.endpoint.target([isReadiness ? "readyz" : "healthz"])
        var request = OutboundRequest(.get, "\(bare)\(target)")
        request.timeouts = .init(connect: .seconds(2), total: .seconds(4), stall: nil)
        let asked = request
        let response = try await program.interrupts.ending {
            do throws(HTTPClientError) { return try await program.http.send(asked) } catch {
                if error.code == .cancelled { throw CancellationError() }
                throw address.silence(error.message)
            }
        }
        let json = try? JSONValue(parsing: response.body)
        guard let isWell = json?[isReadiness ? "ready" : "ok"]?.bool else {
            throw CommandError("\(address.endpoint) does not answer as an admin listener (status \(response.status))")
        }
        let reasons = isReadiness ? checks(in: json) : []
        guard isWell, response.status == 200 else {
            let why = reasons.isEmpty ? "" : ": " + reasons.joined(separator: "; ")
            throw CommandError(
                isReadiness ? "not ready\(why)" : "an event loop does not turn\(loops(in: json))")
        }
        Terminal.out(isReadiness ? (reasons.isEmpty ? "ready\n" : "degraded\n") : "alive\n")
        for reason in reasons { Terminal.err("\(reason)\n") }
    }

    /// What isn't as it should be.
    static func checks(in json: JSONValue?) -> [String] {
        (json?["checks"]?.array ?? []).compactMap { check in
            guard check["result"]?.text != "good" else { return nil }
            return "\(check["name"]?.text?.printable ?? "?"): \(check["detail"]?.text?.printable ?? "?")"
        }
    }

    private static func loops(in json: JSONValue?) -> String {
        let late = (json?["loops"]?.members ?? []).filter { ($0.value.integer ?? 0) >= 5000 }
        return late.isEmpty ? "" : ": \(late.map { "\($0.name) \($0.value.integer ?? 0) ms" }.joined(separator: ", "))"
    }
}
