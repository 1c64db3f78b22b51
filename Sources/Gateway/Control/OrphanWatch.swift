internal import Backends
internal import Model
internal import Observability
internal import Reactor
internal import Record

/// Looks for runs that carry this installation's mark and that its record doesn't know: what a record that was lost, or set back to an
/// earlier state, leaves behind. It tells of them in the log and at the admin listener, and removes those that are old where the inventory says so (`collect_orphans`).
///
/// An attempt is recorded before its backend is asked, so that no run of this gateway's own making is ever one of them; what is
/// still to be cleaned up is known too.
struct OrphanWatch: Service {
    let name = "orphans"
    let parts: DispatchParts

    /// From one look to the next.
    private static let interval = Duration.seconds(600)
    /// The same while a backend can't be asked.
    private static let shortInterval = Duration.seconds(5)
    /// Younger ones are never removed (the Argo contract, 5.2).
    static let grace = Duration.seconds(3600)
    private static let namedAtMost = 10

    func run() async throws {
        try await parts.fleet.forEach { member in try await watch(member.definition.name) }
    }

    private func watch(_ name: BackendName) async throws {
        var told: Set<BackendTaskID> = []
        while true {
            let hasLooked = await look(at: name, &told)
            try await parts.clock.sleep(for: hasLooked ? Self.interval : Self.shortInterval)
        }
    }

    /// - Returns: whether all was seen, or there is nothing to look for here.
    private func look(at name: BackendName, _ told: inout Set<BackendTaskID>) async -> Bool {
        guard let member = parts.fleet.member(name), member.isOnline(offlineAfter: parts.fleet.offlineAfter) else {
            return false
        }
        guard parts.duties.isMine(.watching(name)) else { return false }
        var orphans: [MarkedRun] = []
        do {
            for run in try await member.backend.markedRuns() {
                if try await !parts.store.knows(run.name, on: name) { orphans.append(run) }
            }
        } catch {
            return false
        }
        if member.definition.collectsOrphans { orphans = await remove(orphans, from: member) }
        orphans.sort {
            ($0.createdAt?.milliseconds ?? 0, $1.name.string) > ($1.createdAt?.milliseconds ?? 0, $0.name.string)
        }
        parts.fleet.change(name) { $0.orphans = orphans.map(\.name) }
        tell(of: orphans, on: name, &told)
        return true
    }

    /// - Returns: those that stay.
    private func remove(_ orphans: [MarkedRun], from member: FleetMember) async -> [MarkedRun] {
        let now = parts.clock.timestamp
        var left: [MarkedRun] = []
        for orphan in orphans {
            guard let created = orphan.createdAt, now - created > Self.grace,
                parts.duties.isMine(.watching(member.definition.name))
            else {
                left.append(orphan)
                continue
            }
            do throws(BackendError) { try await member.backend.remove(orphan.name) } catch {
                guard error.code == .unknownTask else {
                    left.append(orphan)
                    continue
                }
            }
            parts.logger.warning(
                "a run that the record doesn't know was removed",
                ["backend": .string(member.definition.name.string), "run": .string(orphan.name.string)])
        }
        return left
    }

    private func tell(of orphans: [MarkedRun], on backend: BackendName, _ told: inout Set<BackendTaskID>) {
        let names = Set(orphans.map(\.name))
        defer { told = names }
        guard !names.isSubset(of: told) else { return }
        let some = names.map(\.string).sorted().prefix(Self.namedAtMost).joined(separator: ", ")
        parts.logger.warning(
            "runs of this gateway that its record doesn't know",
            [
                "backend": .string(backend.string), "count": .integer(Int64(names.count)), "runs": .string(some),
                "advice": "collect_orphans: true removes those that are older than an hour",
            ])
    }
}
