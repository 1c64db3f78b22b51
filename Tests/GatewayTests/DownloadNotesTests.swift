import Model
import Record
import TestSupport
import Testing

@testable import Gateway

@Suite("Downloads renew retention", .timeLimit(.minutes(2)))
struct DownloadNotesTests {
    @Test("a finished task is kept from its last download, written once in a while only")
    func renews() async throws {
        try await MirrorWorld.run { world in
            let id = try await world.placed("t")
            let attempt = try #require(try await world.recorded(id).attempt)
            let notes = DownloadNotes(world.parts.lookup, retentions: [.seconds(3600), .seconds(86_400)])
            await notes.note(id)
            #expect(try await world.recorded(id).keptFrom == nil, "what isn't over isn't kept from anything")
            _ = try await world.store.finish(attempt.key, TaskEnd(code: .completed), at: world.now)
            await world.parts.refresh(id)
            let end = world.now
            world.clock.advance(by: .seconds(59))
            await notes.note(id)
            #expect(try await world.recorded(id).keptFrom == end, "a minute isn't over")
            world.clock.advance(by: .seconds(1))
            await notes.note(id)
            #expect(try await world.recorded(id).keptFrom == world.now)
            #expect(try await world.store.expired(keptFromBefore: world.now).isEmpty)
            let downloaded = world.now
            world.clock.advance(by: .seconds(30))
            notes.downloaded(id, keptFrom: downloaded, on: world.loop)
            await world.settle()
            #expect(try await world.recorded(id).keptFrom == downloaded)
            world.clock.advance(by: .seconds(30))
            notes.downloaded(id, keptFrom: downloaded, on: world.loop)
            await world.settle()
            #expect(try await world.recorded(id).keptFrom == world.now)
        }
    }

    @Test("of a short retention not much is lost either", arguments: [(5, 500), (30, 3000), (100_000, 60_000)])
    func short(retention: Int64, interval: Int64) async throws {
        try await MirrorWorld.run { world in
            let notes = DownloadNotes(world.parts.lookup, retentions: [.seconds(999_999), .seconds(retention)])
            #expect(notes.interval == .milliseconds(interval))
        }
    }
}
