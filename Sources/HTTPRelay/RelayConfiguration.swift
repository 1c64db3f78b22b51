/// How long a relay waits, and how large its steps are.
public struct RelayConfiguration: Sendable {
    /// An upstream that has not begun its answer after so long has failed.
    public var headDeadline: Duration = .seconds(60)
    /// An upstream that is silent for so long within its answer has failed.
    public var stallDeadline: Duration = .seconds(60)
    /// A client that takes nothing for so long is given up.
    public var clientDeadline: Duration = .seconds(600)
    /// Bodies with at least this much to come are moved by splice(2), without passing through this process.
    public var spliceFrom: Int64 = 65_536
    /// After so many bytes the other connections of the loop get their turn.
    public var budget = 1_048_576
    /// What is too much of a head.
    public var limits = ResponseParser.Limits()

    /// The default configuration.
    public init() {}
}
