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
            line.append(trace, as: isJSON ? .json : .text)
            if weight > 1 {
                line.key("stands_for", isJSON)
                line.append(Int64(clamping: weight))
            }
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
