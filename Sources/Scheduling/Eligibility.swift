import Model

/// Which backends can take a class of tasks, computed once a pass for all of its tasks.
struct Eligibility {
    /// The backends of one tier that can take the class.
    struct Tier {
        let tier: Int
        /// Positions in the fleet.
        let members: [Int]
    }

    /// Why each backend can't, by position in the fleet; nil where it can (or could, with a free slot).
    let reasons: [Reason?]
    /// The positions of those that can, by tier, lowest first.
    let tiers: [Tier]
    /// Whether no listed backend could take such a task, whatever its state.
    let isImpossible: Bool

    init(_ taskClass: TaskClass, images: Int, _ fleet: Fleet, _ policy: Policy) {
        var verdicts = Verdicts(taskClass.requirements, images: images, policy)
        var reasons = fleet.members.map { $0.standing ?? verdicts.reason($0.snapshot) }
        isImpossible = !fleet.members.contains { verdicts.isAble($0) }
        let soon = fleet.members.indices.filter { position in
            let member = fleet.members[position]
            return member.standing?.isAboutFailures == true && verdicts.reason(member.snapshot) == nil
        }
        Self.passOver(taskClass.passedOver, fleet, soon: soon, &reasons)
        var byTier: [Int: [Int]] = [:]
        for (position, reason) in reasons.enumerated() where reason == nil {
            byTier[fleet.members[position].snapshot.tier, default: []].append(position)
        }
        tiers = byTier.sorted { $0.key < $1.key }.map { Tier(tier: $0.key, members: $0.value) }
        self.reasons = reasons
    }

    /// Whether a backend can take such tasks, full or not.
    func isEligible(_ position: Int) -> Bool { reasons[position] == nil }

    /// A backend that refused is left out while another that can take the task hasn't refused it. `soon` are those that can take it,
    /// but are left alone for a short while after a failure.
    private static func passOver(
        _ refused: Set<BackendName>, _ fleet: Fleet, soon: [Int], _ reasons: inout [Reason?]
    ) {
        guard !refused.isEmpty else { return }
        let able = reasons.indices.filter { reasons[$0] == nil }
        guard (able + soon).contains(where: { !refused.contains(fleet.members[$0].snapshot.name) }) else { return }
        for position in able where refused.contains(fleet.members[position].snapshot.name) {
            reasons[position] = .refusedBefore
        }
    }
}

/// Judges backends by what the inventory and their engines say, one engine's options once.
struct Verdicts {
    private let requirements: Requirements
    private let images: Int
    private let policy: Policy
    private var unknownOptions: [ObjectIdentifier: String?] = [:]

    init(_ requirements: Requirements, images: Int, _ policy: Policy) {
        self.requirements = requirements
        self.images = images
        self.policy = policy
    }

    /// Why a backend can't take such a task, whatever its state; nil where it can.
    mutating func reason(_ backend: BackendSnapshot) -> Reason? {
        byInventory(backend) ?? byEngine(backend)
    }

    /// Whether a listed backend might take such a task some day. What an absent one or one that takes no tasks now says
    /// of images and options doesn't count: it may come back with another engine. What the inventory says does.
    mutating func isAble(_ member: Fleet.Member) -> Bool {
        if member.snapshot.isRetired { return false }
        if byInventory(member.snapshot) != nil { return false }
        switch member.standing {
        case .offline, .locked, .draining, .neverRead: return true
        default: return byEngine(member.snapshot) == nil
        }
    }

    /// All reasons, for a person who asks.
    mutating func all(_ backend: BackendSnapshot) -> [Reason] {
        [project(backend), label(backend), needs(backend), image(backend), imageLimit(backend), option(backend)]
            .compactMap { $0 }
    }

    private func byInventory(_ backend: BackendSnapshot) -> Reason? {
        project(backend) ?? label(backend) ?? needs(backend) ?? image(backend)
    }

    private mutating func byEngine(_ backend: BackendSnapshot) -> Reason? { imageLimit(backend) ?? option(backend) }

    private func project(_ backend: BackendSnapshot) -> Reason? {
        guard let home = requirements.boundTo, home != backend.name else { return nil }
        return .lacksProject
    }

    private func label(_ backend: BackendSnapshot) -> Reason? {
        guard !requirements.labels.isEmpty else { return nil }
        let missing = requirements.labels.filter { backend.labels[$0.key] != $0.value }
        return missing.min { $0.key < $1.key }.map { .missingLabel("\($0.key)=\($0.value)") }
    }

    private func needs(_ backend: BackendSnapshot) -> Reason? {
        let missing = requirements.needs.missing(at: backend.kind)
        return missing.isEmpty ? nil : .unsupported(missing)
    }

    private func image(_ backend: BackendSnapshot) -> Reason? {
        guard let image = requirements.engineImage, let allowed = backend.engineImages else { return nil }
        return EngineImages.allow(allowed, image) ? nil : .imageNotAllowed(image)
    }

    private func imageLimit(_ backend: BackendSnapshot) -> Reason? {
        guard let limit = backend.imageLimit, images > limit else { return nil }
        return .tooManyImages(limit: limit)
    }

    private mutating func option(_ backend: BackendSnapshot) -> Reason? {
        guard !requirements.options.isEmpty else { return nil }
        let known = backend.options ?? policy.referenceOptions
        let unknown = unknownOptions[ObjectIdentifier(known)] ?? known.firstUnknown(of: requirements.options)
        unknownOptions[ObjectIdentifier(known)] = .some(unknown)
        return unknown.map { .unknownOption($0) }
    }
}

extension BackendKind {
    /// What tasks of a kind of backend may need (contract, section 11; rules, S3).
    var abilities: TaskNeeds {
        switch self {
        case .argo: [.seed, .sideFiles, .outputs, .objectStorage, .archives, .otherFiles]
        case .scaleodm: [.objectStorage, .archives]
        case .nodeodm: [.seed, .sideFiles, .outputs, .otherFiles]
        }
    }
}
