public import Observability

/// `log`: how much is logged, and how it looks.
public struct LogSettings: Sendable, Equatable {
    /// How lines look.
    public enum Format: String, Sendable, CaseIterable {
        /// Text on a terminal, else JSON.
        case auto
        /// For people.
        case text
        /// For programs.
        case json
    }
    /// How lines look.
    public var format = Format.auto
    /// Lines below it are dropped.
    public var level = LogLevel.info
    /// The defaults.
    public init() {}
}
