/// What only kind `scaleodm` has.
public struct ScaleODMSettings: Sendable, Equatable {
    /// What becomes of a submission whose outcome can't be found out.
    public enum UnknownPolicy: String, Sendable, CaseIterable {
        /// It waits for an operator.
        case hold
        /// It is sent again, and may run twice.
        case resubmit
    }
    /// A submission whose outcome can't be found out.
    public var onUnknown = UnknownPolicy.hold
    /// The defaults.
    public init() {}
}
