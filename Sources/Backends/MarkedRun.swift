public import Model

/// A run on a backend that carries this installation's mark.
public struct MarkedRun: Sendable, Equatable {
    /// As the backend calls it.
    public var name: BackendTaskID
    /// When it was stored there, by the backend's clock; nil where it doesn't say.
    public var createdAt: Timestamp?

    /// Both are given.
    public init(name: BackendTaskID, createdAt: Timestamp?) {
        self.name = name
        self.createdAt = createdAt
    }
}
