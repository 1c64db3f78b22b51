internal import Model
internal import Observability
internal import Reactor
internal import Record
internal import Storage

/// Retention: abandoned uploads, inputs of ended tasks, and old records; each at the moment when it is due.
struct Janitor: Service {
    let name = "janitor"
    let parts: DispatchParts
    let storage: any ObjectStore
    /// Where archives are unpacked, if that isn't the storage.
    let spool: DirectoryStore?
    let health: StorageHealth
    /// Whether no other gateway writes to the storage: then unfinished files at a start are a crash's.
    let isAlone: Bool
    let staleUpload: Duration
    let inputRetention: Duration
    let taskRetention: Duration

    /// How long it sleeps at most.
    private static let interval = Duration.seconds(60)
    /// How long it sleeps at least where something that is due couldn't be done.
    private static let pause = Duration.seconds(1)
    /// Also the time between a start and the first sweep: who started with a wrong database has so long to see it.
    private static let sweepEvery = Duration.seconds(3600)
    /// No writer is silent for so long: `limits.idle` ends it before.
    private static let unfinishedGrace = Duration.seconds(3600)
    /// An object store tells when an upload began, not when something last came.
    private static let longestUpload = Duration.seconds(48 * 3600)

    func run() async throws {
        if let spool { await removeUnfinished(in: spool, before(isAlone ? .seconds(1) : Self.unfinishedGrace)) }
        if isAlone, health.problem == nil { await removeUnfinished(in: storage, before(.seconds(1))) }
        var nextSweep = parts.clock.monotonic() + Self.sweepEvery
        while true {
            if health.problem == nil {
                let isOurs = parts.duties.isMine(.housekeeping)
                if isOurs { do { try await removeDue() } catch { try Task.checkCancellation() } }
                if parts.clock.monotonic() >= nextSweep {
                    // The spool is this gateway's own.
                    if isOurs { await sweepStorage() }
                    await sweepSpool()
                    nextSweep = parts.clock.monotonic() + Self.sweepEvery
                }
            }
            try await parts.clock.sleep(for: await untilNext())
        }
    }

    // MARK: What is due

    private func removeDue() async throws {
        let stale = before(staleUpload)
        for id in try await parts.store.staleUploads(lastDataBefore: stale) {
            let files = try await parts.store.files(of: id)
            guard
                try await parts.store.abandonUpload(
                    id, lastDataBefore: stale, reason: "no data for too long", at: now)
            else { continue }
            parts.metrics.noteRemoved(.uploads, files.totalSize)
        }
        let inputs = before(inputRetention)
        for id in try await parts.store.inputsToRemove(keptFromBefore: inputs) {
            guard let files = try await parts.store.expireInputs(of: id, keptFromBefore: inputs, at: now) else {
                continue
            }
            for prefix in OrphanSweep.inputs(of: id) { try await storage.remove(prefix: prefix) }
            if try await parts.store.inputsRemoved(id, at: now) {
                parts.metrics.noteRemoved(.inputs, files.totalSize)
            }
        }
        let tasks = before(taskRetention)
        for id in try await parts.store.expired(keptFromBefore: tasks) {
            _ = try await parts.store.expire(id, keptFromBefore: tasks, at: now)
        }
        parts.cleaning.wake()
    }

    private func before(_ retention: Duration) -> Timestamp {
        Timestamp(milliseconds: now.milliseconds - retention.inMilliseconds)
    }

    /// Until the next moment at which something is due. What begins meanwhile is due no earlier than the shortest retention.
    private func untilNext() async -> Duration {
        var wait = min(Self.interval, staleUpload, inputRetention, taskRetention)
        if let oldest = try? await parts.store.oldest() {
            let begins = [(oldest.upload, staleUpload), (oldest.inputs, inputRetention), (oldest.task, taskRetention)]
            for case (let begin?, let retention) in begins {
                let due = begin.milliseconds + retention.inMilliseconds + 1
                wait = min(wait, due > now.milliseconds ? .milliseconds(due - now.milliseconds) : Self.pause)
            }
        }
        return max(wait, .milliseconds(1))
    }

    // MARK: What nobody knows

    private func sweepStorage() async {
        let grace = storage is S3Store ? Self.longestUpload : Self.unfinishedGrace
        await removeUnfinished(in: storage, before(grace))
        await sweep(storage)
    }

    private func sweepSpool() async {
        guard let spool else { return }
        await removeUnfinished(in: spool, before(Self.unfinishedGrace))
        await sweep(spool)
    }

    private func sweep(_ storage: any ObjectStore) async {
        do {
            let count = try await OrphanSweep(store: parts.store, storage: storage).run(at: now) { size in
                parts.metrics.noteRemoved(.orphans, size)
            }
            if count > 0 { parts.logger.info("orphaned files removed", ["count": .integer(Int64(count))]) }
        } catch {
            parts.logger.warning("storage not swept", ["error": .string("\(error)")])
        }
    }

    private func removeUnfinished(in storage: any ObjectStore, _ moment: Timestamp) async {
        do {
            let count = try await storage.removeUnfinished(untouchedSince: moment)
            if count > 0 { parts.logger.info("unfinished files removed", ["count": .integer(Int64(count))]) }
        } catch {
            parts.logger.warning("unfinished files not removed", ["error": .string("\(error)")])
        }
    }

    private var now: Timestamp { parts.clock.timestamp }
}

extension [InputFile] {
    /// What they take together.
    fileprivate var totalSize: ByteCount { ByteCount(reduce(0) { $0 + $1.size.bytes }) }
}
