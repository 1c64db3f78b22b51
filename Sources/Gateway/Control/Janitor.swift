internal import Model
internal import Reactor
internal import Record
internal import Storage

/// Retention: abandoned uploads, inputs of ended tasks, and old records.
struct Janitor: Service {
    let name = "janitor"
    let parts: DispatchParts
    let storage: any ObjectStore
    let staleUpload: Duration
    let inputRetention: Duration
    let taskRetention: Duration

    private static let interval = Duration.seconds(60)

    func run() async throws {
        while true {
            try? await sweep()
            try await parts.clock.sleep(for: Self.interval)
        }
    }

    private func sweep() async throws {
        let now = parts.clock.timestamp
        let stale = Timestamp(milliseconds: now.milliseconds - staleUpload.inMilliseconds)
        for id in try await parts.store.staleUploads(lastDataBefore: stale) {
            _ = try await parts.store.abandonUpload(id, lastDataBefore: stale, reason: "no data for too long", at: now)
        }
        let inputs = Timestamp(milliseconds: now.milliseconds - inputRetention.inMilliseconds)
        for id in try await parts.store.inputsToRemove(keptFromBefore: inputs) {
            guard try await parts.store.expireInputs(of: id, keptFromBefore: inputs, at: now) != nil else { continue }
            try await storage.remove(prefix: id.key)
            _ = try await parts.store.inputsRemoved(id, at: now)
        }
        let tasks = Timestamp(milliseconds: now.milliseconds - taskRetention.inMilliseconds)
        for id in try await parts.store.expired(keptFromBefore: tasks) {
            _ = try await parts.store.expire(id, keptFromBefore: tasks, at: now)
        }
        parts.cleaning.wake()
    }
}
