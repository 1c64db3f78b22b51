internal import Reactor
import Synchronization

/// Waiting for a list: many who ask about their workflows at the same moment, as after a start, cost one call and not one each.
extension WorkflowWatch {
    /// Nobody waits longer: within what a reading may take there has to be time for a question of its own.
    static let longestWait = Duration.seconds(7)

    /// Returns when the list has come that tells of all, at once where none is awaited.
    ///
    /// It says nothing of whether one has come: it may have failed, or take too long.
    func untilListed() async {
        let (stream, continuation) = AsyncStream.makeStream(of: Never.self)
        let now = clock.monotonic()
        let isWaiting = snapshot.withLock { snapshot in
            guard snapshot.awaitsList(at: now, willBeWatched) else { return false }
            snapshot.waiting.append(continuation)
            return true
        }
        guard isWaiting else { return }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in stream {} }
            group.addTask { try? await self.clock.sleep(for: Self.longestWait) }
            await group.next()
            group.cancelAll()
        }
    }

    /// Has all who wait look for themselves.
    func release() {
        let waiting = snapshot.withLock { snapshot in
            defer { snapshot.waiting = [] }
            return snapshot.waiting
        }
        for continuation in waiting { continuation.finish() }
    }
}

extension WorkflowWatch.Snapshot {
    /// Whether a list is on its way, or the first one is sure to be asked for.
    fileprivate func awaitsList(at now: MonotonicTime, _ willBeWatched: Bool) -> Bool {
        guard isWatched || (willBeWatched && !hasListed), outage == nil, !isFresh(at: now) else { return false }
        return !hasListed || listsUnderWay > 0
    }
}
