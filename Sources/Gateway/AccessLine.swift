internal import HTTPServer
internal import HTTPTypes
internal import Observability

/// Writes one line of the access log; never the query, which may hold a token.
struct AccessLine: Sendable {
    /// Whose requests they are: the listener's name.
    let listener: StaticString
    let logger: Logger
    /// Routes whose good answers are left out: probes come every second, and say nothing.
    var quietRoutes: [String] = []

    /// Writes the line of one exchange, in the format of the log.
    func write(_ entry: borrowing AccessLogEntry) {
        if entry.status == 200, quietRoutes.contains(entry.route) { return }
        let (method, path, status) = (entry.method?.name ?? "-", entry.path, entry.status)
        let (received, sent, time, route) = (entry.bytesIn, entry.bytesOut, entry.nanoseconds, entry.route)
        let isJSON = logger.sink.format == .json
        logger.accessLine { line, appendTime in
            if isJSON { line.append(#"{"time":""#) }
            appendTime(&line)
            line.append(isJSON ? #"","level":"info","message":"request""# : " INFO  request")
            line.key("listener", isJSON)
            if isJSON { line.append("\"") }
            line.append(listener)
            if isJSON { line.append("\"") }
            line.key("method", isJSON)
            line.appendQuoted(method)
            line.key("path", isJSON)
            line.appendQuoted(path)
            line.key("route", isJSON)
            line.appendQuoted(route)
            line.key("status", isJSON)
            line.append(Int64(status))
            line.key("in", isJSON)
            line.append(received)
            line.key("out", isJSON)
            line.append(sent)
            line.key("us", isJSON)
            line.append(time / 1000)
            if isJSON { line.append("}") }
        }
    }
}

extension LogLine {
    fileprivate mutating func key(_ name: StaticString, _ isJSON: Bool) {
        append(isJSON ? ",\"" : " ")
        append(name)
        append(isJSON ? "\":" : "=")
    }
}
