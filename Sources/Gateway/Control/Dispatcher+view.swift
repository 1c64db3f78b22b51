internal import Backends
internal import Model
internal import NodeODM
internal import Reactor
internal import Record
internal import Scheduling

/// What the scheduler sees.
extension Dispatcher {
    func scheduled(_ row: Record.QueuedTask) -> Scheduling.QueuedTask {
        let running = transfers[row.id]
        var task = Scheduling.QueuedTask(
            id: row.id, owner: OwnerID(row.owner ?? ""), images: row.images, size: row.bytes,
            requirements: requirements(
                row.options, row.objectStorage, row.inputKinds, choosesOutputs: row.choosesOutputs, owner: row.owner,
                boundTo: row.boundTo),
            queuedSince: row.queuedAt, notBefore: row.notBefore, passedOver: Set(row.passedOver),
            // A project that is there is preferred in the same way as inputs that are.
            staged: running?.attempt.backend ?? projectHome(of: row))
        task.isStaging = running.map { $0.stage.step == .sending } ?? false
        return task
    }

    /// The backend that can go on with what an earlier run made.
    func projectHome(of row: Record.QueuedTask) -> BackendName? {
        guard let home = row.project?.backend, parts.fleet.backend(home)?.restartsInPlace == true else { return nil }
        return home
    }

    /// A task of a dead backend, as if it waited for another.
    func scheduled(_ record: TaskRecord) -> Scheduling.QueuedTask {
        Scheduling.QueuedTask(
            id: record.id, owner: OwnerID(record.owner ?? ""), images: record.images, size: record.bytes,
            requirements: requirements(
                record.options, record.objectStorage, record.inputKinds, choosesOutputs: record.outputs != nil,
                owner: record.owner, boundTo: nil),
            queuedSince: record.queuedAt ?? record.createdAt, passedOver: Set(record.passedOver))
    }

    func requirements(
        _ options: String, _ objectStorage: String?, _ kinds: InputKinds, choosesOutputs: Bool, owner: String?,
        boundTo: BackendName?
    ) -> Requirements {
        let fields = ObjectStorageFields(recorded: objectStorage)
        return queue.shared(
            Requirements(
                options: queue.names(in: options, parts.fleet),
                labels: owner.flatMap { parts.owners[$0] }?.labels ?? [:],
                needs: TaskNeeds(kinds, choosesOutputs: choosesOutputs, fields), engineImage: fields?.engineImage,
                boundTo: boundTo))
    }

    /// Why a backend was chosen, and which ones couldn't have been, for the task's events.
    func text(of placement: Placement) -> String {
        let needs = placement.task.requirements.needs
        let unable = parts.fleet.listed.filter { !needs.missing(at: $0.definition.kind).isEmpty }
        guard !unable.isEmpty else { return placement.text }
        let some = unable.prefix(Self.namedAtMost).map { member in
            "\(member.name) \(Reason.unsupported(needs.missing(at: member.definition.kind)).text)"
        }
        let more = unable.count > some.count ? "; nor can \(unable.count - some.count) more" : ""
        return "\(placement.text); \(some.joined(separator: "; "))\(more)"
    }

    private static let namedAtMost = 5

    /// Every backend as it is now; `foreign` are the attempts that other gateways carry out.
    func snapshots(foreign: [TaskID: AttemptRecord]) -> [BackendSnapshot] {
        parts.fleet.members.map { member in
            let name = member.definition.name
            let sending =
                transfers.values.count { $0.attempt.backend == name && $0.holdsSlot }
                + foreign.values.count { $0.backend == name }
            var snapshot = BackendSnapshot(
                name: name, kind: member.definition.kind, tier: member.definition.tier,
                weight: member.definition.weight, labels: member.definition.labels, load: member.load,
                options: member.engineOptions)
            snapshot.isOnline = member.isOnline(offlineAfter: parts.fleet.offlineAfter)
            snapshot.isLocked = member.switches.isLocked
            snapshot.isDraining = member.switches.isDraining
            snapshot.isRetired = member.switches.isRetired
            snapshot.breaker = member.circuit.state(at: now)
            snapshot.maxParallelTasks = member.definition.maxParallelTasks
            snapshot.maxImages = member.definition.maxImages
            snapshot.engineImages = member.definition.engineImages
            snapshot.placementsUnseen = sending + member.acceptedSinceRead
            snapshot.endsUnseen = member.endedSinceRead
            let placed = parts.mirror.watched(on: name)
            snapshot.ownUnfinished = placed.count + sending
            snapshot.ownWork = placed.reduce(0) { sum, id in
                guard let record = parts.mirror.task(id)?.record else { return sum }
                return sum + Double(max(1, record.images)) * (1 - record.progress / 100)
            }
            return snapshot
        }
    }

    /// What each owner may have, and the slots that his tasks hold now.
    func shares(foreign: [TaskID: AttemptRecord]) -> [OwnerID: OwnerShare] {
        var shares: [OwnerID: OwnerShare] = [:]
        for (name, policy) in parts.owners.all { shares[OwnerID(name)] = policy.share }
        var holders = Set(transfers.filter(\.value.holdsSlot).keys).union(foreign.keys)
        for member in parts.fleet.members { holders.formUnion(parts.mirror.watched(on: member.definition.name)) }
        for id in holders {
            guard let record = parts.mirror.task(id)?.record else { continue }
            shares[OwnerID(record.owner ?? ""), default: OwnerShare()].running += 1
        }
        return shares
    }
}
