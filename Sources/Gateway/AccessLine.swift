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
        let (method, path, status) = (entry.method?.name ?? "-", entry.pathBytes, entry.status)
        let (received, sent, time, route) = (entry.bytesIn, entry.bytesOut, entry.nanoseconds, entry.route)
        let words = logger.sink.format == .json ? Words.json : Words.text
        logger.accessLine { line, appendTime in
            line.append(words.start)
            appendTime(&line)
            line.append(words.listener)
            line.append(listener)
            line.append(words.method)
            line.appendQuoted(method)
            line.append(words.path)
            line.appendQuoted(path)
            line.append(words.route)
            line.appendQuoted(route)
            line.append(words.status)
            line.append(Int64(status))
            line.append(words.received)
            line.append(received)
            line.append(words.sent)
            line.append(sent)
            line.append(words.time)
            line.append(time / 1000)
            line.append(words.end)
        }
    }

    /// What stands before each value: whole pieces, since a line is written for each request.
    private struct Words {
        var start: StaticString
        var listener: StaticString
        var method: StaticString
        var path: StaticString
        var route: StaticString
        var status: StaticString
        var received: StaticString
        var sent: StaticString
        var time: StaticString
        var end: StaticString

        static let json = Words(
            start: #"{"time":""#, listener: #"","level":"info","message":"request","listener":""#,
            method: #"","method":"#, path: #","path":"#, route: #","route":"#, status: #","status":"#,
            received: #","in":"#, sent: #","out":"#, time: #","us":"#, end: "}")
        static let text = Words(
            start: "", listener: " INFO  request listener=", method: " method=", path: " path=", route: " route=",
            status: " status=", received: " in=", sent: " out=", time: " us=", end: "")
    }
}
