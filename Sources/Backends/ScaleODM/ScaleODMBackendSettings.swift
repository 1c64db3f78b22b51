public import NodeODM

/// What the inventory says of another ScaleODM beside its connection.
public struct ScaleODMBackendSettings: Sendable {
    /// What becomes of a submission whose outcome can't be found out.
    public enum UnknownPolicy: Sendable {
        /// It waits for an operator.
        case hold
        /// After a while it counts as never arrived, and may run twice.
        case resubmit
    }

    /// Tasks it runs at the same time: it doesn't tell.
    public var slots: Int
    /// The most images of one task; nil without a limit.
    public var mostImages: Int?
    /// A submission whose outcome can't be found out.
    public var onUnknown = UnknownPolicy.hold
    /// With `resubmit`: how long a submission of unknown outcome may still appear.
    public var fence = Duration.seconds(120)
    /// The engine's options: the instance itself lists five of them.
    public var catalog = OptionCatalog.engine360

    /// With so many slots, and the defaults.
    public init(slots: Int) { self.slots = slots }
}
