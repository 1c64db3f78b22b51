/// A part of the program that runs until it is told to end.
public protocol Service: Sendable {
    /// For logs.
    var name: String { get }
    /// Returns when everything it started has ended. Cancelled to drain.
    func run() async throws
}
