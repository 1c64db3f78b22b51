import Configuration
import HTTPServer
import HTTPTypes
import Model
import NodeODM
import Observability
import Reactor
import Synchronization
import TestSupport
import Testing

@testable import Gateway

@Suite("Reloads", .timeLimit(.minutes(1)))
struct ReloaderTests {
    /// A file that a test writes.
    private final class Paper: Sendable {
        private let text: Mutex<String>
        init(_ text: String) { self.text = Mutex(text) }
        func write(_ text: String) { self.text.withLock { $0 = text } }
        func load() throws(InventoryError) -> LoadedInventory {
            try InventoryLoader(environment: { _ in nil }).load(text: text.withLock { $0 }, path: "gateway.yaml")
        }
    }

    private final class Log: Sendable {
        private let noted = Mutex<[String]>([])
        func note(_ line: String) { noted.withLock { $0.append(line) } }
        var lines: [String] { noted.withLock { $0 } }
    }

    private static func with(
        _ text: String, _ body: @escaping @Sendable (Reloader, Paper, RosterWorld, TokenGuard) async throws -> Void
    ) async throws {
        try await RosterWorld.with { world in
            let paper = Paper(text)
            let inventory = try paper.load().inventory
            let tokens = TokenGuard(inventory.auth)
            try await world.roster.list(inventory.backends)
            let source = InventorySource(path: "gateway.yaml") { () throws(InventoryError) in try paper.load() }
            let reloader = Reloader(
                source, running: inventory, roster: world.roster, tokens: tokens, pool: BlockingPool(threads: 0),
                clock: world.clock, logger: .silent, loop: world.loop)
            try await body(reloader, paper, world, tokens)
        }
    }

    private static let one = "backends: [{name: a, url: \"http://a.example.org\"}]\n"

    @Test("backends and tokens are taken over, and what takes a restart is named until it is as it was")
    func takesOver() async throws {
        try await Self.with(Self.one) { reloader, paper, world, tokens in
            let digest = String(repeating: "ab", count: 32)
            paper.write(
                """
                backends: [{name: b, url: "http://b.example.org"}]
                limits: {images: 7}
                auth: {tokens: [{name: ana, sha256: \(digest)}]}
                """)
            let outcome = await reloader.reload(because: .signal)
            #expect(outcome.backends.added.map(\.string) == ["b"] && outcome.backends.retired.map(\.string) == ["a"])
            #expect(outcome.needRestart == ["limits.images"] && outcome.errors.isEmpty)
            #expect(throws: APIError.unauthorized) {
                try tokens.caller(of: HTTPRequest(.get, "/info"))
            }
            let again = await reloader.reload(because: .operators)
            #expect(again.backends == RosterChange() && again.needRestart == ["limits.images"])
            paper.write(Self.one)
            #expect(await reloader.reload(because: .file).needRestart.isEmpty)
            #expect(world.seats() == ["a file", "b retired"])
        }
    }

    @Test("a file with mistakes changes nothing; all of them are told")
    func refuses() async throws {
        try await Self.with(Self.one) { reloader, paper, world, _ in
            paper.write("backends: [{name: b, url: \"http://b.example.org\"}]\nfoo: 1\nlimits: {images: many}\n")
            let outcome = await reloader.reload(because: .file)
            #expect(outcome.errors.count == 2 && outcome.backends == RosterChange())
            #expect(world.seats() == ["a file"])
            #expect(!reloader.lastSuccess.isGood)
            paper.write(Self.one)
            #expect(await reloader.reload(because: .file).errors.isEmpty)
            #expect(reloader.lastSuccess.isGood)
        }
    }

    @Test("events of the file itself, of Kubernetes' link, and those that were missed concern it")
    func events() {
        #expect(Reloader.concerns("gateway.yaml", "gateway.yaml"))
        #expect(Reloader.concerns("..data", "gateway.yaml"))
        #expect(Reloader.concerns("", "gateway.yaml"))
        #expect(!Reloader.concerns("scaleodm.db", "gateway.yaml"))
    }

    @Test("those who want a turn at the same time have it one after the other")
    func turns() async throws {
        try await LoopRunner.onLoop { _ in
            let turns = Turns()
            let log = Log()
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<5 {
                    group.addTask {
                        await turns.take {
                            log.note("+\(number)")
                            for _ in 0..<5 { await Task.yield() }
                            log.note("-\(number)")
                        }
                    }
                }
            }
            let lines = log.lines
            #expect(lines.count == 10)
            for index in stride(from: 0, to: lines.count, by: 2) {
                #expect(lines[index].dropFirst() == lines[index + 1].dropFirst() && lines[index].hasPrefix("+"))
            }
        }
    }
}

@Suite("Bodies of changes")
struct AdminCallTests {
    private static func read(_ body: String, type: String = "application/json; charset=utf-8") async throws
        -> [JSONMember]
    {
        let request = HTTPRequest(.post, "/api/backends", fields: [.contentType: type])
        return try await AdminCall.body(of: request, RequestBody(pieces: [Array(body.utf8)]))
    }

    @Test("an object is read, and nothing is no body")
    func objects() async throws {
        #expect(try await Self.read(#"{"a": 1}"#).map(\.name) == ["a"])
        #expect(try await Self.read("", type: "text/plain").isEmpty)
    }

    @Test("anything else is refused with its own status")
    func refusals() async throws {
        func status(_ body: String, _ type: String = "application/json") async -> HTTPStatus? {
            do {
                _ = try await Self.read(body, type: type)
                return nil
            } catch { return (error as? AdminError)?.status }
        }
        #expect(await status("[1]") == .badRequest)
        #expect(await status("{") == .badRequest)
        #expect(await status("{}", "text/plain") == .unsupportedMediaType)
        #expect(await status(String(repeating: " ", count: AdminCall.bodyLimit + 1)) == .contentTooLarge)
    }
}
