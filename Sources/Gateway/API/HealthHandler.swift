internal import NodeODM

/// GET /__lbheartbeat__, /health, /__heartbeat__ and /ready, as ScaleODM has them for load balancers and probes (contract, 2.13).
struct HealthHandler: Sendable {
    /// What is looked at in the background; nil: nothing is.
    let readiness: (@Sendable () -> Readiness)?

    /// The program answers.
    func alive() -> APIReply { .json(Array(#"{"status":"ok"}"#.utf8)) }

    /// Whether clients should be sent here, with each check: no path, address or reason is told here, where nobody needs a token.
    func ready() -> APIReply {
        guard let readiness = readiness?() else { return alive() }
        var json = JSONWriter()
        json.beginObject()
        json.key("status")
        json.string(readiness.isReady ? "ok" : "error")
        json.key("checks")
        json.beginObject()
        for check in readiness.checks {
            json.key(check.name)
            json.string(check.result == .good ? "ok" : check.result.rawValue)
        }
        json.endObject()
        json.endObject()
        return readiness.isReady ? .json(json.bytes) : .unready(json.bytes)
    }
}
