internal import HTTPServer
internal import HTTPTypes
internal import Model
internal import NodeODM

/// POST /api/reload: reads the inventory again.
extension AdminRoutes {
    func addReload(to router: inout Router) {
        change(&router, .post, "/api/reload", "api_reload") { _, parts in
            guard let reloader = parts.backends.reloader else {
                throw AdminError(.conflict, "This gateway's inventory came from no file.")
            }
            return Self.reply(await reloader.reload(because: .operators))
        }
    }

    /// 422 with every mistake where the file is refused.
    private static func reply(_ outcome: Reloader.Outcome) -> AdminReply {
        let isRefused = !outcome.errors.isEmpty
        return .object(isRefused ? .unprocessableContent : .ok) { json in
            if isRefused {
                json.key("error")
                json.string("The inventory is refused, and the one before stays.")
                write(outcome.errors, "problems", into: &json)
                return
            }
            for (word, names) in outcome.backends.words { write(names.map(\.string), word, into: &json) }
            write(outcome.needRestart, "needRestart", into: &json)
            write(outcome.warnings, "warnings", into: &json)
        }
    }

    private static func write(_ texts: [String], _ key: String, into json: inout JSONWriter) {
        json.key(key)
        json.beginArray()
        for text in texts { json.string(text) }
        json.endArray()
    }
}
