/// `mirror`: how often a running task of a NodeODM or ScaleODM backend is read.
public struct MirrorSettings: Sendable, Equatable {
    /// The ordinary pace; the mirror itself is faster while tasks wait and slower while nobody asks.
    public var refresh = Duration.seconds(1)
    /// The defaults.
    public init() {}
}
