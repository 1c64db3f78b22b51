public import Model

/// A backend as a person who asks "why is my task there?" sees it.
public struct Candidate: Sendable, Equatable {
    /// The backend.
    public var backend: BackendName
    /// Its tier.
    public var tier: Int
    /// All of its slots.
    public var slots: Int
    /// Those in use.
    public var occupied: Int
    /// Images ahead of the task for each slot of weight 1.
    public var predictedWait: Double
    /// Why it can't take the task now, all of them; empty where it can.
    public var reasons: [Reason]

    /// Whether the task could go there now.
    public var isAble: Bool { reasons.isEmpty }
}
