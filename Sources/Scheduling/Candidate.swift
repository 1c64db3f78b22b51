public import Model

/// A backend as a person who asks "why is my task there?" sees it.
public struct Candidate: Sendable, Equatable {
    /// The backend.
    public var backend: BackendName
    /// Its kind.
    public var kind: BackendKind
    /// Its tier.
    public var tier: Int
    /// All of its slots.
    public var slots: Int
    /// Those in use.
    public var occupied: Int
    /// Images ahead of the task for each slot of weight 1.
    public var predictedWait: Double
    /// The same as time, at what an image is taken to need; nil where what the backend has to do isn't known now.
    public var predictedTime: Duration?
    /// Why it can't take the task now, all of them; empty where it can.
    public var reasons: [Reason]

    init(_ member: Fleet.Member, _ reasons: [Reason], _ policy: Policy) {
        backend = member.snapshot.name
        kind = member.snapshot.kind
        tier = member.snapshot.tier
        slots = member.slots
        occupied = member.occupied
        predictedWait = member.predictedWait
        let isKnown = !reasons.contains(.offline) && !reasons.contains(.neverRead)
        predictedTime = isKnown ? .seconds(member.predictedWait * policy.secondsPerImage) : nil
        self.reasons = reasons
    }

    /// Whether the task could go there now.
    public var isAble: Bool { reasons.isEmpty }

    /// Whether the task could go there once a slot is free or lower tiers have been full for long enough.
    public var isEligible: Bool { reasons.allSatisfy(\.isAboutSlots) }

    /// Whether a task may well wait for it: what is in the way passes without anybody's doing.
    public var isWorthWaitingFor: Bool { reasons.allSatisfy { $0.isAboutSlots || $0.isAboutFailures } }

    /// One sentence for people.
    public var text: String {
        guard isAble else { return reasons.map(\.text).joined(separator: "; ") }
        return "has a free slot (\(occupied) of \(slots) in use, tier \(tier))"
    }
}
