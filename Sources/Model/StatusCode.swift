/// NodeODM's status codes; PyODM raises ValueError on any other (contract 3.1).
public enum StatusCode: Int, Sendable {
    /// Waiting for a slot.
    case queued = 10
    /// Being initialised, or processed.
    case running = 20
    /// Ended with an error.
    case failed = 30
    /// Ended well.
    case completed = 40
    /// Ended by its owner.
    case canceled = 50

    /// True for 30, 40 and 50.
    public var isFinal: Bool { rawValue >= 30 }
}
