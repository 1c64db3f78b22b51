import Model
import Pages
import Scheduling
import Testing

@Suite("What the dashboard makes of the policy's words")
struct DashboardHintTests {
    /// The patterns of words.js by which it tells what to do, in its order.
    private static func patterns() throws -> [Regex<AnyRegexOutput>] {
        let file = try #require(PageSet.dashboard["words.js"])
        let text = String(decoding: file.bytes, as: UTF8.self)
        let table = try Regex("const hints = \\[\n((?:  \\[.*\n)+)\\];")
        let line = try Regex("^  \\[/(.*?)/, (?:true|false), ")
        let lines = try #require(try table.firstMatch(in: text)?[1].substring)
        return try lines.split(separator: "\n").map { text in
            try Regex(String(try #require(try line.firstMatch(in: text)?[1].substring)))
        }
    }

    private static let reasons: [Reason] = [
        .retired, .locked, .draining, .offline, .neverRead, .failing(until: Timestamp(milliseconds: 0)), .probing,
        .tooManyImages(limit: 10), .unknownOption("is in tier"), .missingLabel("pool=slots in use"),
        .unsupported(.seed), .imageNotAllowed("is locked"), .lacksProject, .refusedBefore, .full(slots: 1),
        .full(slots: 3), .higherTier(2),
    ]

    @Test("each reason why a task waits has its hint, and only one", arguments: reasons)
    func hints(reason: Reason) throws {
        let found = try Self.patterns().filter { try $0.firstMatch(in: reason.text) != nil }
        #expect(found.count == 1, "\(reason.text)")
    }
}
