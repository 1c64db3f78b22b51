import Backends
import Model
import Record
import Testing

@testable import Gateway

/// What a client is told where the owner of a finished task doesn't give its results.
@Suite("Refused downloads", .timeLimit(.minutes(1)))
struct RefusedDownloadTests {
    /// Completes the task's attempt, which the backend forgets.
    private static func completed(_ name: String, in world: MirrorWorld) async throws -> Attempt {
        let id = try await world.placed(name)
        let record = try #require(try await world.store.record(of: id))
        let attempt = try #require(record.attempt)
        _ = try await world.store.finish(
            attempt.key, TaskEnd(code: .completed), webhook: WebhookPolicy(), at: world.now)
        world.backend[name] = nil
        return attempt.attempt
    }

    @Test("an owner that has forgotten the task has purged its results")
    func purged() async throws {
        try await MirrorWorld.run { world in
            let owner = try await Self.completed("a", in: world)
            let refused = RefusedDownload(lookup: world.parts.lookup, attempt: owner, loop: world.loop)
            #expect(await refused.reason() == RefusedDownload.purged)
            #expect(try await world.store.record(of: owner.task)?.attempt?.mayHaveCopy == false)
        }
    }

    @Test("results aren't purged that have got another owner since the download began: the client asks again")
    func anotherOwner() async throws {
        try await MirrorWorld.run { world in
            let id = try await world.placed("a")
            let before = try #require(try await world.store.record(of: id)?.attempt)
            _ = try await world.store.fence(
                before.key, reason: "evacuated", isFinal: true, webhook: WebhookPolicy(), at: world.now)
            let begun = try await world.store.begin(id, on: MirrorWorld.name, reason: "free slot", at: world.now) { _ in
                BackendTaskID("b")
            }
            guard case .begun(let after) = begun else {
                Issue.record("\(begun)")
                return
            }
            _ = try await world.store.markSending(after.key, at: world.now)
            _ = try await world.store.markCommitting(after.key, at: world.now)
            _ = try await world.store.markAccepted(after.key, at: world.now)
            _ = try await world.store.finish(
                after.key, TaskEnd(code: .completed), webhook: WebhookPolicy(), at: world.now)
            world.backend["a"] = nil
            let refused = RefusedDownload(lookup: world.parts.lookup, attempt: before.attempt, loop: world.loop)
            #expect(await refused.reason() == .noAnswer)
            #expect(try await world.store.record(of: id)?.attempt?.mayHaveCopy == true)
            #expect(world.mirror.task(id)?.record.attempt?.key == after.key, "and is given to the new owner")
        }
    }
}
