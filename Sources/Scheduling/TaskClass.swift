import Model

/// Tasks that the same backends can take: eligibility is computed once for all of them.
public struct TaskClass: Hashable, Sendable {
    /// What they demand.
    public let requirements: Requirements
    /// The smallest limit of images among the backends that all of them keep; nil: they exceed every limit there is.
    let imageBound: Int?
    /// Backends that refused them.
    let passedOver: Set<BackendName>
}
