internal import HTTPServer
internal import HTTPTypes
internal import Observability

/// Counts an exchange, and writes its line of the access log; never the query, which may hold a token.
struct AccessLine: Sendable {
    /// How much of a route's good answers is written. All of them at level debug.
    private enum Share {
        case all
        /// One of many: clients poll.
        case sample
        /// Nothing: probes come every second, and say nothing.
        case none
    }

    /// What is known of a route before its requests come.
    private struct Route {
        let share: Share
        /// Its name in a line.
        let words: [UInt8]
    }

    /// Whose requests they are: the listener's name.
    private let listener: StaticString
    private let logger: Logger
    private let metrics: HTTPMetrics
    /// Where spans go; nil where no collector is named.
    private let spans: SpanQueue?
    private let routes: [Route]
    private let words: Words

    /// - Parameters:
    ///   - listener: whose requests they are.
    ///   - logger: gets the lines.
    ///   - metrics: counts the requests.
    ///   - routes: names of the router's routes, in its order.
    ///   - quiet: names of those whose good answers are left out.
    ///   - sampled: names of those of whose good answers one of many is written.
    ///   - spans: where spans go.
    init(
        listener: StaticString, logger: Logger, metrics: HTTPMetrics, routes: [String], quiet: [String] = [],
        sampled: [String] = [], spans: SpanQueue? = nil
    ) {
        self.listener = listener
        self.logger = logger
        self.metrics = metrics
        self.spans = spans
        let format = logger.sink.format
        words = Words(format, listener: listener)
        self.routes = routes.map { name in
            Route(
                share: quiet.contains(name) ? .none : sampled.contains(name) ? .sample : .all,
                words: Words.route(name, format))
        }
    }

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
            switch routes[route].share {
            case .all: break
            case .none: isLeftOut = true
            case .sample where entry.nanoseconds < Self.slow:
                isLeftOut = before % Self.sampling != 0
                weight = Self.sampling
            case .sample: break
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
        let (status, received, sent, time) = (Int64(entry.status), entry.bytesIn, entry.bytesOut, entry.nanoseconds)
        let (words, format, logger) = (words, logger.sink.format, logger)
        let route = entry.routeIndex.map { routes[$0].words } ?? words.noRoute
        var method = entry.method?.name ?? "-"
        entry.withPathBytes { path in
            method.withUTF8 { method in
                let size =
                    words.size + route.count + LogPen.quotedSize(path.count) + LogPen.quotedSize(method.count)
                logger.accessLine(atMost: size) { pen in
                    pen.append(raw: words.method)
                    pen.appendQuoted(method)
                    pen.append(words.path)
                    pen.appendQuoted(path)
                    pen.append(raw: route)
                    pen.append(status)
                    pen.append(words.received)
                    pen.append(received)
                    pen.append(words.sent)
                    pen.append(sent)
                    pen.append(words.time)
                    pen.append(time / 1000)
                    pen.append(trace, as: format)
                    if weight > 1 {
                        pen.append(words.weight)
                        pen.append(Int64(clamping: weight))
                    }
                }
            }
        }
    }

    /// What stands before each value: whole pieces, since a line is written for each request.
    private struct Words: Sendable {
        /// Level, message and listener.
        let method: [UInt8]
        let path: StaticString
        let noRoute: [UInt8]
        let received: StaticString
        let sent: StaticString
        let time: StaticString
        let weight: StaticString

        init(_ format: LogFormat, listener: StaticString) {
            switch format {
            case .json:
                method = Array(#","level":"info","message":"request","listener":"\#(listener)","method":"#.utf8)
                (path, received, sent, time) = (#","path":"#, #","in":"#, #","out":"#, #","us":"#)
                weight = #","stands_for":"#
            case .text:
                method = Array(" INFO  request listener=\(listener) method=".utf8)
                (path, received, sent, time) = (" path=", " in=", " out=", " us=")
                weight = " stands_for="
            }
            noRoute = Self.route("", format)
        }

        /// A route's name, up to the status behind it.
        static func route(_ name: String, _ format: LogFormat) -> [UInt8] {
            Array((format == .json ? #","route":"\#(name)","status":"# : #" route="\#(name)" status="#).utf8)
        }

        /// More than all pieces and numbers of a line take, but for what its request and its route bring.
        var size: Int { method.count + 256 }
    }
}
