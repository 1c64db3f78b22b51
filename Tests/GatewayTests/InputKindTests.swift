import Backends
import Model
import Reactor
import Record
import Scheduling
import TestSupport
import Testing

@testable import Gateway

@Suite("Files that not every kind of backend takes", .timeLimit(.minutes(5)))
struct InputKindTests {
    private static let both: @Sendable (ManualClock) -> [ScriptedBackend] = { clock in
        // The one that can't take them has far more slots.
        [
            ScriptedBackend("nyc", slots: 50, clock: clock) { $0.isScaleODM = true },
            ScriptedBackend("node", slots: 1, clock: clock),
        ]
    }

    @Test("ground control goes to a backend that takes it, and the event tells which don't")
    func placed() async throws {
        try await ControlRoom.with(nodes: Self.both) { room in
            let id = try await room.commit("t", files: ["0.jpg", "gcp_list.txt"])
            try await room.until("it is placed") { try await room.read(id).state == .placed }
            #expect(try await room.read(id).attempt?.backend.string == "node")
            let told = try await room.record.events.events(of: id).map(\.detail)
            #expect(told.contains { $0.contains("nyc can't take GCP, geo or align files") }, "\(told)")
            // Without such a file nothing is said of it.
            let plain = try await room.commit("plain")
            try await room.until("it is placed") { try await room.read(plain).state == .placed }
            let other = try await room.record.events.events(of: plain).map(\.detail)
            #expect(!other.contains { $0.contains("can't take") }, "\(other)")
        }
    }

    @Test("it waits for a full one that takes it rather than go to a free one that doesn't")
    func waits() async throws {
        try await ControlRoom.with(nodes: Self.both) { room in
            let first = try await room.commit("first", files: ["0.jpg", "geo.txt"])
            try await room.until("the node is taken") { try await room.read(first).state == .placed }
            let id = try await room.commit("second", files: ["0.jpg", "align.tif"])
            try await room.until("it waits") { try await room.read(id).shownCode == .queued }
            let told = try await room.record.events.events(of: id).map(\.detail)
            #expect(told.contains { $0.contains("nyc can't take GCP, geo or align files") }, "\(told)")
        }
    }

    @Test("where no listed kind takes it the client is told at once, with the file's name")
    func refused() async throws {
        let files = ["a.jpg", "gcp_list.txt"].map { InputFile(name: $0, size: 1, digest: "d", storageKey: "k") }
        let needs = TaskNeeds(InputKinds(of: files), choosesOutputs: false, nil)
        try await ControlRoom.with(nodes: Self.both) { room in
            #expect(room.fleet.refusal(of: needs, in: files) == nil)
            room.fleet.change(BackendName(recorded: "node")) { $0.switches.isRetired = true }
            let refusal = try #require(room.fleet.refusal(of: needs, in: files))
            #expect(refusal.contains("GCP, geo or align files, such as gcp_list.txt"), "\(refusal)")
            #expect(room.fleet.refusal(of: [], in: files) == nil)
            // What a client can't change by sending something else waits, and is told in the events.
            #expect(room.fleet.refusal(of: .archives, in: []) == nil)
            #expect(room.fleet.refusal(of: .outputs, in: [])?.contains("chosen outputs") == true)
        }
        #expect(Fleet([], offlineAfter: 3).refusal(of: needs, in: files) == nil, "an empty inventory may be filled")
    }
}
