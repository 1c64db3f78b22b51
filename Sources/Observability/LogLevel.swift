/// How much a log line matters, from what only a developer wants to what an operator must see.
public enum LogLevel: UInt8, Sendable, CaseIterable, Comparable, CustomStringConvertible {
    /// Each step of the inside.
    case trace
    /// What helps to find a fault.
    case debug
    /// What happens in ordinary work.
    case info
    /// Something went wrong and the gateway copes.
    case warning
    /// Something went wrong that a person must look at.
    case error

    /// The name that the inventory and the lines use.
    public var description: String { name.description }

    /// Parses the name of a level, such as `info`.
    public init?(_ name: String) {
        guard let level = Self.allCases.first(where: { $0.description == name }) else { return nil }
        self = level
    }

    /// By weight.
    public static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }

    /// The name without an allocation.
    var name: StaticString {
        switch self {
        case .trace: "trace"
        case .debug: "debug"
        case .info: "info"
        case .warning: "warning"
        case .error: "error"
        }
    }

    /// The name in five columns, for people.
    var column: StaticString {
        switch self {
        case .trace: "TRACE"
        case .debug: "DEBUG"
        case .info: "INFO "
        case .warning: "WARN "
        case .error: "ERROR"
        }
    }
}
