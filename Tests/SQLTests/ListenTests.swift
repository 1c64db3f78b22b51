import SQL
import TestSupport
import Testing

@Suite("LISTEN and NOTIFY", .timeLimit(.minutes(5)))
struct ListenTests {
    private struct Refusal: Error {}

    @Test("every listener of the channel gets the payloads, in order", arguments: ScratchDatabase.all)
    func payloads(scratch: ScratchDatabase) async throws {
        try await scratch.withDatabase { database async throws in
            let streams = [database.listen(channel: "tasks"), database.listen(channel: "tasks")]
            let other = database.listen(channel: "Other \"channel\"")
            await expectReset(streams + [other])
            try await database.notify(channel: "tasks", payload: "one")
            try await database.notify(channel: "Other \"channel\"", payload: "it's other")
            try await database.notify(channel: "tasks", payload: "")
            for stream in streams { #expect(await take(2, from: stream) == ["one", ""]) }
            #expect(await take(1, from: other) == ["it's other"])
        }
    }

    @Test("a transaction's notifications are sent by its commit alone", arguments: ScratchDatabase.all)
    func transactional(scratch: ScratchDatabase) async throws {
        try await scratch.withDatabase { database async throws in
            let stream = database.listen(channel: "tasks")
            await expectReset([stream])
            try? await database.transaction { session in
                try await session.notify(channel: "tasks", payload: "undone")
                throw Refusal()
            }
            try await database.transaction { try await $0.notify(channel: "tasks", payload: "done") }
            #expect(await take(1, from: stream) == ["done"])
        }
    }

    @Test("a slow listener is told that it missed something", arguments: ScratchDatabase.all)
    func overflow(scratch: ScratchDatabase) async throws {
        try await scratch.withDatabase { database async throws in
            let slow = database.listen(channel: "tasks")
            let end = database.listen(channel: "end")
            await expectReset([slow, end])
            try await database.transaction { session in
                for number in 0..<1200 { try await session.notify(channel: "tasks", payload: String(number)) }
            }
            try await database.notify(channel: "end", payload: "all are here")
            #expect(await take(1, from: end) == ["all are here"])
            var payloads: [String] = []
            for await payload in slow {
                payloads.append(payload)
                if payload == ListenSignal.reset { break }
            }
            #expect(payloads.last == ListenSignal.reset)
            #expect(payloads.count < 1200)
        }
    }

    @Test("names and payloads beyond PostgreSQL's limits are refused", arguments: ScratchDatabase.all)
    func limits(scratch: ScratchDatabase) async throws {
        try await scratch.withDatabase { database async throws in
            for (channel, payload) in [("", "x"), (String(repeating: "c", count: 64), "x"), ("c", long), ("c", "\0")] {
                let error = await failure {
                    try await database.notify(channel: channel, payload: payload)
                }
                #expect(error?.code == .invalid)
            }
        }
    }

    private let long = String(repeating: "p", count: 8000)

    private func take(_ count: Int, from stream: AsyncStream<String>) async -> [String] {
        var taken: [String] = []
        for await payload in stream {
            taken.append(payload)
            if taken.count == count { break }
        }
        return taken
    }

    /// The first element of a stream says that from there on nothing is missed.
    private func expectReset(_ streams: [AsyncStream<String>]) async {
        for stream in streams { #expect(await take(1, from: stream) == [ListenSignal.reset]) }
    }
}
