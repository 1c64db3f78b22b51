internal import Backends
internal import Model
internal import NodeODM
internal import Observability
internal import Record

/// Compares the images that a backend counted with the files that it was sent (rules: *Image check*): a task that lost some on its
/// way would end well and be wrong.
struct ImageCheck: Sendable {
    let parts: DispatchParts

    /// Whether what a backend says of images is its own count by now, and no longer the number of uploaded files.
    /// - Parameters:
    ///   - info: what the backend says, with the output that it was asked for.
    ///   - isCluster: whether it is a ClusterODM, which answers for itself until a node has the task.
    /// - Returns: false before that moment, and where there is nothing to compare.
    static func isDue(_ info: TaskInfo, isCluster: Bool) -> Bool {
        guard info.imagesCount >= 0 else { return false }
        if isCluster, !info.status.isFinal {
            guard let line = info.output?.first, !line.hasPrefix("Launching") else { return false }
        }
        switch info.status {
        case .queued, .failed, .completed: return true
        case .running: return info.processingTime >= 0
        case .canceled: return false
        }
    }

    /// Removes a task whose images aren't those that were sent, and gives it back as one counted failure.
    /// - Parameters:
    ///   - info: the backend's reading.
    ///   - record: the task.
    ///   - attempt: its accepted attempt, which the reading is of.
    /// - Returns: true where the reading mustn't be shown, because the task is to leave that backend.
    func rejects(_ info: TaskInfo, of record: TaskRecord, _ attempt: AttemptRecord) async -> Bool {
        guard record.intent == .none, info.imagesCount != record.images,
            let member = parts.fleet.member(attempt.backend), !member.backend.worksInObjectStore,
            Self.isDue(info, isCluster: member.isCluster),
            await isComparable(record)
        else { return false }
        let reason =
            "\(attempt.backend) counts \(info.imagesCount) images where \(record.images) were sent; it was removed there"
        let store = parts.duties.store(parts.store, for: .watching(attempt.backend))
        guard (try? await store.markUnfit(attempt.key, reason: reason, at: parts.clock.timestamp)) == true else {
            return true
        }
        parts.mirror.change(record.id) { task in
            if task.record.attempt?.key == attempt.key { task.record.attempt?.failure = reason }
        }
        await remove(record, attempt, because: reason)
        return true
    }

    /// Removes an attempt that is noted as unfit, and gives its task back once it is seen to be gone; also after a crash between the
    /// two, and after a removal whose answer was lost.
    func remove(_ record: TaskRecord, _ attempt: AttemptRecord, because reason: String) async {
        guard let member = parts.fleet.member(attempt.backend), await isRemoved(attempt, from: member.backend) else {
            return
        }
        var release = Record.Release(
            proof: .seenEnded, isCounted: true, reason: reason, limit: parts.attemptLimit,
            retryAt: parts.clock.timestamp + CountedPause.after(record.failures), passesOver: true)
        release.event = .imagesDiffer
        let store = parts.duties.store(parts.store, for: .watching(attempt.backend))
        _ = try? await store.release(attempt.key, release, webhook: parts.webhooks, at: parts.clock.timestamp)
        parts.logger.warning(
            "images differ", ["task": .string(record.id.string), "reason": .string(reason)])
        parts.fleet.change(attempt.backend) { $0.endedSinceRead += 1 }
        await parts.refresh(record.id)
        parts.placement.wake()
        parts.webhookWake.wake()
    }

    /// What is in an archive that the node unpacks isn't known here.
    private func isComparable(_ record: TaskRecord) async -> Bool {
        do throws(RecordError) {
            for name in ["zipurl.zip", "seed.zip"] where try await parts.store.hasFile(name, of: record.id) {
                return false
            }
            return true
        } catch {
            return false
        }
    }

    /// The task may leave only where its removal is seen (rules: *Never twice*, c).
    private func isRemoved(_ attempt: AttemptRecord, from backend: any Backend) async -> Bool {
        do throws(BackendError) {
            try await backend.remove(attempt.backendTask)
            _ = try await backend.status(of: attempt.backendTask, outputFrom: nil)
            return false
        } catch {
            return error.code == .unknownTask
        }
    }
}
