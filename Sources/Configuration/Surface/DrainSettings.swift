/// `drain`: what happens between SIGTERM and the end.
public struct DrainSettings: Sendable, Equatable {
    /// How long the gateway says that it isn't ready before it stops to accept.
    public var delay = Duration.seconds(5)
    /// How long what runs may still run.
    public var timeout = Duration.seconds(600)
    /// The defaults.
    public init() {}
}
