internal import HTTPServer
internal import HTTPTypes
internal import Observability

/// Counts an exchange, and writes its line of the access log; never the query, which may hold a token.
struct AccessLine: Sendable {
    /// Whose requests they are: the listener's name.
    let listener: StaticString
    let logger: Logger
    let metrics: HTTPMetrics
    /// Routes whose good answers are left out: probes come every second, and say nothing.
    var quietRoutes: [Int] = []
    /// Routes of whose good answers one of many is written: clients poll them. All of them at level debug.
    var sampledRoutes: [Int] = []

    /// Where spans go; nil where no collector is named.
    var spans: SpanQueue?

    /// Of so many good answers to polls one is written; the first always is.
    static let sampling: UInt64 = 100
    /// What took longer is always written.
    private static let slow: Int64 = 1_000_000_000

    /// Notes one exchange.
    func note(_ entry: borrowing AccessLogEntry) {
        let before = metrics.note(entry)
        var weight: UInt64 = 1
        var isLeftOut = false
        if entry.status == 200, entry.isComplete, let route = entry.routeIndex {
            if quietRoutes.contains(route) {
                isLeftOut = true
            } else if entry.nanoseconds < Self.slow, sampledRoutes.contains(route) {
                isLeftOut = before % Self.sampling != 0
                weight = Self.sampling
            }
        }
        if logger.writes(.debug) { weight = 1 }
        let isWritten = logger.writes(.info) && (!isLeftOut || logger.writes(.debug))
        // A caller that traces its polls is told of each; the others' are sampled as the log is.
        var isSpan = spans != nil
        if isSpan, isLeftOut {
            if let request = entry.request { isSpan = request.fields.contains("traceparent") } else { isSpan = false }
        }
        guard isWritten || isSpan else { return }
        let trace = Self.trace(of: entry)
        if isWritten { write(entry, weight, trace) }
        if isSpan { export(entry, trace) }
    }

    private static func trace(of entry: borrowing AccessLogEntry) -> TraceContext {
        if let known = entry.trace { return known }
        guard let request = entry.request else { return TraceContext() }
        return TraceContext(following: request.fields["traceparent"])
    }

    private func export(_ entry: borrowing AccessLogEntry, _ trace: TraceContext) {
        guard let spans, trace.isSampled else { return }
        let end = WallTime.nanoseconds
        let method = entry.method?.name ?? "-"
        let (status, isComplete) = (entry.status, entry.isComplete)
        let isFailure = status >= 500 || !isComplete
        spans.add(
            Span(
                context: trace, kind: .server, name: entry.route.isEmpty ? method : "\(method) \(entry.route)",
                begin: end - entry.nanoseconds, end: end,
                attributes: [
                    ("http.request.method", .string(method)), ("url.path", .string(entry.path)),
                    ("http.route", .string(entry.route)), ("http.response.status_code", .number(entry.status)),
                    ("http.request.body.size", .number(entry.bytesIn)),
                    ("http.response.body.size", .number(entry.bytesOut)),
                    ("scaleodm.listener", .string(listener.description)),
                ],
                failure: isFailure ? "status \(status)\(isComplete ? "" : ", cut short")" : nil))
    }

    private func write(_ entry: borrowing AccessLogEntry, _ weight: UInt64, _ trace: TraceContext) {
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
            line.append(trace, as: logger.sink.format)
            if weight > 1 {
                line.append(words.weight)
                line.append(Int64(clamping: weight))
            }
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
        var weight: StaticString
        var end: StaticString

        static let json = Words(
            start: #"{"time":""#, listener: #"","level":"info","message":"request","listener":""#,
            method: #"","method":"#, path: #","path":"#, route: #","route":"#, status: #","status":"#,
            received: #","in":"#, sent: #","out":"#, time: #","us":"#,
            weight: #","stands_for":"#, end: "}")
        static let text = Words(
            start: "", listener: " INFO  request listener=", method: " method=", path: " path=", route: " route=",
            status: " status=", received: " in=", sent: " out=", time: " us=",
            weight: " stands_for=", end: "")
    }
}
