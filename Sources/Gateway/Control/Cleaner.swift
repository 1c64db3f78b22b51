internal import Backends
internal import Model
internal import NodeODM
internal import Observability
internal import Reactor
internal import Record
internal import Storage

/// Carries out what owners wished and attempts left behind: cancels on backends, areas and copies to be removed, inputs to be
/// deleted. Each step is in the record until it is done, so a crash in the middle loses none.
struct Cleaner: Service {
    let name = "cleaner"
    let parts: DispatchParts
    let cleanups: Cleanups
    let storage: any ObjectStore

    private static let interval = Duration.seconds(2)

    func run() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask {
                while true {
                    try await parts.clock.sleep(for: Self.interval)
                    parts.cleaning.wake()
                }
            }
            for await _ in parts.cleaning.wakeUps() {
                try Task.checkCancellation()
                try? await cancelAll()
                try? await removeAll()
                for member in parts.fleet.members where member.isOnline(offlineAfter: parts.fleet.offlineAfter) {
                    try? await clean(member)
                }
            }
        }
    }

    /// Tells backends of cancels until they are seen true; the mirror sees the end and records it.
    private func cancelAll() async throws {
        for record in try await parts.store.cancelsToCarryOut() {
            guard let attempt = record.attempt, attempt.state == .accepted,
                let backend = parts.fleet.backend(attempt.backend)
            else { continue }
            do throws(BackendError) {
                try await backend.cancel(attempt.backendTask)
                guard try await backend.status(of: attempt.backendTask, outputFrom: nil).status.isFinal else {
                    continue
                }
            } catch  where error.code == .unknownTask {
                // It is gone: nothing can run there any more.
            } catch {
                continue
            }
            _ = try await parts.store.confirmCancel(attempt.key, webhook: parts.webhooks, at: now)
            parts.fleet.change(attempt.backend) { $0.endedSinceRead += 1 }
            await parts.refresh(record.id)
            parts.placement.wake()
            parts.webhookWake.wake()
        }
    }

    private func removeAll() async throws {
        for record in try await parts.store.removals() {
            try await storage.remove(prefix: record.id.key)
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
                let pause = Duration.seconds(5 << min(job.tries, 6))
                try await cleanups.postpone(job, until: now + pause)
                continue
            }
            try await cleanups.done(job)
            parts.placement.wake()
        }
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
