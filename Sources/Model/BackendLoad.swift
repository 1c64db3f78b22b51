/// What a backend says of itself: how much it can run, how much it has, what it is.
public struct BackendLoad: Sendable, Equatable {
    /// Tasks it runs at the same time.
    public var slots: Int
    /// Its tasks with status 10 or 20, whoever sent them.
    public var unfinished: Int
    /// The most images of one task that it takes; nil without a limit.
    public var maxImages: Int?
    /// Its engine's name, such as `odm`.
    public var engine: String
    /// Its engine's version, such as `3.6.0`.
    public var engineVersion: String
    /// Version of the API it speaks.
    public var apiVersion: String
    /// Whether it's a ClusterODM (totalMemory 99999999999): its counters say nothing, so the load is our own tasks.
    public var isCluster: Bool

    /// Every part is given.
    public init(
        slots: Int, unfinished: Int, maxImages: Int?, engine: String, engineVersion: String, apiVersion: String,
        isCluster: Bool = false
    ) {
        self.slots = slots
        self.unfinished = unfinished
        self.maxImages = maxImages
        self.engine = engine
        self.engineVersion = engineVersion
        self.apiVersion = apiVersion
        self.isCluster = isCluster
    }
}
