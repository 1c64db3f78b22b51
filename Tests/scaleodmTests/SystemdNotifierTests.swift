import Glibc
import Reactor
import Synchronization
import TestSupport
import Testing

@testable import scaleodm

/// The service manager's end: a datagram socket that takes messages.
private final class NotifySocket: Sendable {
    let descriptor: Int32
    /// What NOTIFY_SOCKET says.
    let variable: String

    init(path: String) throws {
        variable = path
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        try #require(descriptor >= 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(path.utf8)
        if bytes.first == UInt8(ascii: "@") { bytes[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        try #require(code == 0)
    }

    deinit { close(descriptor) }

    /// The next message; nil where none is there.
    func message() -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        return count < 0 ? nil : String(decoding: buffer.prefix(count), as: UTF8.self)
    }

    var messages: [String] {
        var found: [String] = []
        while let message = message() { found.append(message) }
        return found
    }
}

/// Whether the program is alive, and how often that was asked.
private final class Life: Sendable {
    private let state = Mutex((isAlive: true, asked: 0))

    var asked: Int { state.withLock { $0.asked } }

    func set(_ isAlive: Bool) { state.withLock { $0.isAlive = isAlive } }

    func ask() -> Bool {
        state.withLock { state in
            state.asked += 1
            return state.isAlive
        }
    }
}

@Suite("The service manager", .timeLimit(.minutes(1)))
struct SystemdNotifierTests {
    /// An abstract name that no other test has.
    private static func abstractName() -> String { "@scaleodm-test-\(getpid())-\(UInt64.random(in: 0 ... .max))" }

    @Test("hears of it through a socket with a name of its own", arguments: [true, false])
    func messages(isAbstract: Bool) async throws {
        try await ScratchFolder.run { folder in
            let socket = try NotifySocket(path: isAbstract ? Self.abstractName() : "\(folder.path)/notify")
            let notifier = try #require(SystemdNotifier(socket.variable))
            #expect(notifier.ready("serving"))
            #expect(notifier.reloading(at: MonotonicTime(nanoseconds: 5_000_000)))
            #expect(notifier.stopping("draining"))
            #expect(notifier.watchdog())
            #expect(
                socket.messages == [
                    "READY=1\nSTATUS=serving", "RELOADING=1\nMONOTONIC_USEC=5000", "STOPPING=1\nSTATUS=draining",
                    "WATCHDOG=1",
                ])
        }
    }

    @Test("no status begins another assignment")
    func lineBreaks() throws {
        let socket = try NotifySocket(path: Self.abstractName())
        try #require(SystemdNotifier(socket.variable)).status("a\nREADY=1")
        #expect(socket.messages == ["STATUS=a READY=1"])
    }

    @Test("an address that is none, too long, or of another kind is nobody's")
    func noAddress() {
        let long = "/" + String(repeating: "x", count: 120)
        for variable in [nil, "", "/", "relative/path", "vsock:2:1234", long] as [String?] {
            #expect(SystemdNotifier(variable) == nil)
        }
    }

    @Test("one that isn't there any more does no harm")
    func goneAway() throws {
        #expect(try #require(SystemdNotifier("/nonexistent/notify")).ready("serving") == false)
    }

    @Test("a sign of life comes twice in the time that the manager gives, and only to the process that is meant")
    func interval() {
        func interval(_ variables: [String: String]) -> Duration? {
            Supervision(environment: { variables[$0] }, process: 7).interval
        }
        let socket = ["NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "30000000"]
        #expect(interval(socket) == .seconds(15))
        #expect(interval(socket.merging(["WATCHDOG_PID": "7"]) { $1 }) == .seconds(15))
        #expect(interval(socket.merging(["WATCHDOG_PID": "8"]) { $1 }) == nil)
        #expect(interval(["WATCHDOG_USEC": "30000000"]) == nil)
        #expect(interval(["NOTIFY_SOCKET": "@x"]) == nil)
        #expect(interval(["NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "none"]) == nil)
        #expect(interval(["NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "-5"]) == nil)
    }

    @Test("signs of life end while an event loop doesn't turn, and come back with it")
    func watchdog() async throws {
        let socket = try NotifySocket(path: Self.abstractName())
        let variables = ["NOTIFY_SOCKET": socket.variable, "WATCHDOG_USEC": "2000"]
        let supervision = Supervision(environment: { variables[$0] })
        let life = Life()
        try await LoopRunner.onLoop { loop in
            let running = Task(executorPreference: loop) {
                try await supervision.run(on: loop, patience: .seconds(3600)) { life.ask() }
            }
            while socket.message() != "WATCHDOG=1" { try await loop.sleep(for: .milliseconds(1)) }
            life.set(false)
            // Nothing else runs on this loop meanwhile, so what comes from now on was asked with the program ill.
            _ = socket.messages
            let before = life.asked
            while life.asked < before + 3 { try await loop.sleep(for: .milliseconds(1)) }
            #expect(socket.messages == [])
            life.set(true)
            while socket.message() != "WATCHDOG=1" { try await loop.sleep(for: .milliseconds(1)) }
            running.cancel()
            _ = try? await running.value
        }
    }

    @Test("a start that waits for something is told of as done, once, and not where it was done before")
    func patience() async throws {
        let socket = try NotifySocket(path: Self.abstractName())
        try await LoopRunner.onLoop { loop in
            let late = Supervision(environment: { $0 == "NOTIFY_SOCKET" ? socket.variable : nil })
            try await late.run(on: loop, patience: .zero) { true }
            #expect(socket.messages == ["READY=1\nSTATUS=waiting: scaleodm health --ready tells for what"])
            late.serving("127.0.0.1:1")
            #expect(socket.messages == ["READY=1\nSTATUS=serving on http://127.0.0.1:1"])
            let early = Supervision(environment: { $0 == "NOTIFY_SOCKET" ? socket.variable : nil })
            early.serving("127.0.0.1:1")
            try await early.run(on: loop, patience: .zero) { true }
            early.draining()
            #expect(
                socket.messages == ["READY=1\nSTATUS=serving on http://127.0.0.1:1", "STOPPING=1\nSTATUS=draining"])
        }
    }
}
