/// The inventory's `scheduling` section, as far as placement goes, and what is assumed where nothing was measured.
public struct Policy: Sendable {
    /// How long a task waits for full lower tiers.
    public var spillAfter: Duration
    /// How many waiting tasks' inputs are sent ahead to each busy NodeODM node.
    public var prefetch: Int
    /// What a backend whose /options was never read is taken to know.
    public var referenceOptions: EngineOptions
    /// Images that a task of others is counted with.
    public var typicalImages: Double
    /// Seconds an image takes on a slot of weight 1; compares waiting with sending again.
    public var secondsPerImage: Double
    /// Bytes a second at which inputs are sent to a node.
    public var transferRate: Double

    /// Defaults of the inventory.
    public init(
        referenceOptions: EngineOptions, spillAfter: Duration = .seconds(30), prefetch: Int = 1,
        typicalImages: Double = 100, secondsPerImage: Double = 6, transferRate: Double = 50e6
    ) {
        self.referenceOptions = referenceOptions
        self.spillAfter = spillAfter
        self.prefetch = prefetch
        self.typicalImages = typicalImages
        self.secondsPerImage = secondsPerImage
        self.transferRate = transferRate
    }
}
