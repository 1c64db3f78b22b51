/// How lines look.
public enum LogFormat: Sendable {
    /// One JSON object a line: `{"time":…,"level":…,"message":…, metadata…}`.
    case json
    /// For people at a terminal: `TIME LEVEL message key=value`.
    case text
}
