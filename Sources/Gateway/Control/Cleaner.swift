internal import Backends
internal import Model
internal import NodeODM
internal import Observability
internal import Reactor
internal import Record
internal import Storage
import Synchronization

/// Carries out what owners wished and attempts left behind: cancels on backends, areas and copies to be removed, inputs to be
/// deleted. Each step is in the record until it is done, so a crash in the middle loses none.
struct Cleaner: Service {
    let name = "cleaner"
    let parts: DispatchParts
    let cleanups: Cleanups
    let storage: any ObjectStore
    private let accepted = AcceptedCancels()

    init(parts: DispatchParts, cleanups: Cleanups, storage: any ObjectStore) {
        self.parts = parts
        self.cleanups = cleanups
        self.storage = storage
    }

    private static let interval = Duration.seconds(2)
    /// So long after a commit without an answer the backend may still get its task.
    private static let lateArrival = Duration.seconds(600)

    func run() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask {
                while true {
                    try await parts.clock.sleep(for: Self.interval)
                    parts.cleaning.wake()
                }
            }
            let busy = Busy()
            for await _ in parts.cleaning.wakeUps() {
                try Task.checkCancellation()
                // Storage that is slow to answer holds up no cancel.
                if parts.duties.isMine(.housekeeping), busy.begin(nil) {
                    group.addTask {
                        try? await removeAll()
                        busy.end(nil)
                    }
                }
                let cancels = Dictionary(
                    grouping: (try? await parts.store.cancelsToCarryOut()) ?? [], by: \.attempt?.backend)
                // Each backend by itself: one that is frozen holds up nobody else's work.
                for member in parts.fleet.members
                where parts.duties.isMine(.watching(member.definition.name)) && busy.begin(member.definition.name) {
                    group.addTask {
                        await serve(member, cancels[member.definition.name] ?? [])
                        busy.end(member.definition.name)
                    }
                }
            }
        }
    }

    /// All that is to be done on one backend.
    private func serve(_ member: FleetMember, _ cancels: [TaskRecord]) async {
        try? await cancel(cancels, on: member)
        guard member.isOnline(offlineAfter: parts.fleet.offlineAfter) else { return }
        try? await ReturnedCopies(parts: parts).settle(on: member)
        try? await clean(member)
    }

    /// Tells a backend of cancels until they are seen true; the mirror sees the end and records it.
    private func cancel(_ cancels: [TaskRecord], on member: FleetMember) async throws {
        for record in cancels {
            guard let attempt = record.attempt, attempt.state == .accepted else { continue }
            do throws(BackendError) {
                if attempt.isMoving, try await hasEndedByItself(attempt, on: member.backend) { continue }
                try await member.backend.cancel(attempt.backendTask)
                accepted.add(attempt.key)
                let code = try await member.backend.status(of: attempt.backendTask, outputFrom: nil).status
                guard code.isFinal, !attempt.isMoving || code == .canceled else { continue }
            } catch  where error.code == .unknownTask {
                // It is gone: nothing can run there any more. What is to begin anew elsewhere needs more than a backend that has
                // forgotten it: the mirror confirms that (rules: *Vanished*). A ClusterODM forgets a route while the node goes on.
                if attempt.isMoving, member.isCluster || !accepted.contains(attempt.key) { continue }
            } catch  where error.code == .notSent || error.code == .outcomeUnknown {
                return
            } catch {
                continue
            }
            let store = parts.duties.store(parts.store, for: .watching(attempt.backend))
            _ = try await store.confirmCancel(attempt.key, webhook: parts.webhooks, at: now)
            accepted.remove(attempt.key)
            parts.fleet.change(attempt.backend) { $0.endedSinceRead += 1 }
            await parts.refresh(record.id)
            parts.placement.wake()
            parts.webhookWake.wake()
        }
    }

    /// Whether a run that is to begin anew elsewhere has an end of its own, which the mirror takes (rules: *Never twice*, c). A
    /// cancel would hide it: nodes show 50 then, also of what was completed.
    private func hasEndedByItself(
        _ attempt: AttemptRecord, on backend: any Backend
    ) async throws(BackendError) -> Bool {
        let code = try await backend.status(of: attempt.backendTask, outputFrom: nil).status
        return code.isFinal && code != .canceled
    }

    private func removeAll() async throws {
        for record in try await parts.store.removals() {
            do throws(StorageError) { try await storage.remove(prefix: record.id.key) } catch {
                parts.logger.warning(
                    "files not removed yet",
                    ["task": .string(record.id.string), "error": .string(error.message)])
                // One that can't be removed now doesn't hold up the others, unless none can be.
                if error.code == .unreachable || error.code == .cancelled { return }
                continue
            }
            _ = try await parts.store.delete(record.id, at: now)
            parts.mirror.remove(record.id)
            parts.placement.wake()
        }
    }

    private func clean(_ member: FleetMember) async throws {
        for job in try await cleanups.due(on: member.definition.name, at: now) {
            do throws(BackendError) {
                try await carryOut(job, on: member.backend)
            } catch  where error.code == .unknownTask {
                // Nothing is left to clean.
            } catch {
                try await postpone(job)
                // Who doesn't answer this won't answer the rest.
                if error.code == .notSent || error.code == .outcomeUnknown { return }
                continue
            }
            // A commit that nobody heard of may still be on its way: also where another of the same name has arrived.
            if job.isUnsure, now - job.since < Self.lateArrival {
                try await postpone(job)
            } else {
                try await cleanups.done(job)
            }
            parts.placement.wake()
        }
    }

    private func postpone(_ job: CleanupJob) async throws {
        try await cleanups.postpone(job, until: now + .seconds(5 << min(job.tries, 6)))
    }

    private func carryOut(_ job: CleanupJob, on backend: any Backend) async throws(BackendError) {
        switch job.kind {
        case .cancel: try await backend.cancel(job.backendTask)
        case .remove: try await backend.remove(job.backendTask)
        case .discard:
            guard let task = TaskID(job.task) else { return }
            let attempt = Attempt(
                task: task, number: 1, backend: job.backend, backendTask: job.backendTask, state: .ended)
            // A commit that had won all the same left a copy that nobody wants.
            if try await backend.discard(attempt) == .wasAccepted { try await backend.remove(job.backendTask) }
        }
    }

    private var now: Timestamp { parts.clock.timestamp }
}

/// The attempts whose cancel their backend took from this gateway: that they are gone afterwards is what was wanted.
private final class AcceptedCancels: Sendable {
    private let keys = Mutex<Set<AttemptKey>>([])

    func add(_ key: AttemptKey) { keys.withLock { _ = $0.insert(key) } }
    func contains(_ key: AttemptKey) -> Bool { keys.withLock { $0.contains(key) } }
    func remove(_ key: AttemptKey) { keys.withLock { _ = $0.remove(key) } }
}

/// The backends that are being served; nil is the storage.
private final class Busy: Sendable {
    private let names = Mutex<Set<BackendName?>>([])

    /// - Returns: false where it is being served already.
    func begin(_ name: BackendName?) -> Bool { names.withLock { $0.insert(name).inserted } }

    func end(_ name: BackendName?) { names.withLock { _ = $0.remove(name) } }
}
