/// Writes log lines with bound metadata.
///
/// Cheap to copy; all copies share one sink.
///
/// The message is constant text, so that lines can be counted and searched by it; what varies is metadata.
public struct Logger: Sendable {
    /// Where its lines go.
    public let sink: LogSink
    /// Lines below this are dropped before their metadata is computed.
    public let level: LogLevel
    /// The bound metadata, already in the sink's format.
    private let bound: [UInt8]

    /// A logger without metadata.
    /// - Parameters:
    ///   - sink: where its lines go.
    ///   - level: lines below it are dropped.
    public init(sink: LogSink, level: LogLevel = .info) {
        self.init(sink: sink, level: level, bound: [])
    }

    private init(sink: LogSink, level: LogLevel, bound: [UInt8]) {
        self.sink = sink
        self.level = level
        self.bound = bound
    }

    /// A logger that writes nothing; for tests and for parts that needn't speak.
    public static let silent = Logger(sink: LogSink(format: .text, now: { 0 }, write: { _ in }), level: .error)

    /// A logger whose lines all carry this metadata too.
    public func child(_ metadata: [String: LogValue]) -> Logger {
        var line = LogLine()
        line.append(raw: bound)
        line.append(metadata, as: sink.format)
        return Logger(sink: sink, level: level, bound: line.bytes)
    }

    /// Whether a line of this level would be written.
    public func writes(_ level: LogLevel) -> Bool { level >= self.level }

    /// Writes one line.
    ///
    /// From `warning` up the sink is flushed at once. What runs within a trace says so: its line has the ids of the request,
    /// or of the step that takes a request's place, and of the trace.
    /// - Parameters:
    ///   - level: how much it matters.
    ///   - message: constant text.
    ///   - metadata: what varies; computed only if the line is written.
    public func log(_ level: LogLevel, _ message: StaticString, _ metadata: @autoclosure () -> [String: LogValue] = [:])
    {
        guard writes(level) else { return }
        let values = metadata()
        let trace = TraceContext.current
        sink.line(urgent: level >= .warning) { line, moment in
            switch sink.format {
            case .json:
                line.append(#"{"time":""#)
                line.append(moment)
                line.append(#"","level":""#)
                line.append(level.name)
                line.append(#"","message":"#)
                message.withUTF8Buffer { line.appendQuoted(UnsafeRawBufferPointer($0)) }
            case .text:
                line.append(moment)
                line.append(" ")
                line.append(level.column)
                line.append(" ")
                line.append(message)
            }
            line.append(raw: bound)
            line.append(values, as: sink.format)
            if let trace { line.append(trace, as: sink.format) }
            if sink.format == .json { line.append("}") }
        }
    }

    /// Writes one line of the access log: formatted by the caller, straight into the sink's buffer, behind the moment. In JSON
    /// the object is begun and ended by the sink.
    /// - Parameters:
    ///   - size: bytes that the body appends at most.
    ///   - body: appends what follows the moment. It runs under the sink's mutex, so it must only append.
    public func accessLine(atMost size: Int, _ body: (_ pen: inout LogPen) -> Void) {
        guard writes(.info) else { return }
        sink.line(atMost: size, body)
    }

    /// Writes a line of level trace.
    public func trace(_ message: StaticString, _ metadata: @autoclosure () -> [String: LogValue] = [:]) {
        log(.trace, message, metadata())
    }
    /// Writes a line of level debug.
    public func debug(_ message: StaticString, _ metadata: @autoclosure () -> [String: LogValue] = [:]) {
        log(.debug, message, metadata())
    }
    /// Writes a line of level info.
    public func info(_ message: StaticString, _ metadata: @autoclosure () -> [String: LogValue] = [:]) {
        log(.info, message, metadata())
    }
    /// Writes a line of level warning.
    public func warning(_ message: StaticString, _ metadata: @autoclosure () -> [String: LogValue] = [:]) {
        log(.warning, message, metadata())
    }
    /// Writes a line of level error.
    public func error(_ message: StaticString, _ metadata: @autoclosure () -> [String: LogValue] = [:]) {
        log(.error, message, metadata())
    }
}
