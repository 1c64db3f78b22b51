internal import Reactor
import Synchronization

/// Shows how far something is: as a bar that is drawn anew on a terminal, as a line now and then elsewhere.
final class ProgressDisplay: Sendable {
    private struct State {
        var bar: ProgressBar
        var meter = RateMeter()
        var isDrawn = false
        var toldAt: MonotonicTime
    }

    private let state: Mutex<State>
    private let clock: any WorldClock
    private let began: MonotonicTime
    private let isTerminal: Bool

    private static let redraw = Duration.milliseconds(100)
    /// Logs of a script need no more.
    private static let plainEvery = Duration.seconds(10)

    /// - Parameters:
    ///   - bar: the beginning.
    ///   - clock: measures rates.
    ///   - isTerminal: whether a bar may be drawn.
    init(_ bar: ProgressBar, clock: any WorldClock = SystemClock(), isTerminal: Bool = Terminal.errIsTerminal) {
        self.clock = clock
        self.isTerminal = isTerminal
        began = clock.monotonic()
        state = Mutex(State(bar: bar, toldAt: began))
    }

    /// Counts bytes; fewer than none where some have to be sent again.
    func advance(by count: Int64) {
        state.withLock { state in
            guard case .bytes(let done, let total, let rate) = state.bar.measure else { return }
            state.bar.measure = .bytes(done: done + count, total: total, rate: rate)
        }
    }

    /// Says where it is now.
    func set(_ measure: ProgressBar.Measure) { state.withLock { $0.bar.measure = measure } }

    /// Shows it while some work is done.
    func during<Result>(_ work: () async throws -> Result) async throws -> Result {
        async let _: Void = tick()
        defer { clear() }
        return try await work()
    }

    /// A line of its own, above the bar.
    func say(_ text: String) {
        clear()
        Terminal.err("\(text)\n")
    }

    private func tick() async {
        while !Task.isCancelled {
            draw()
            try? await clock.sleep(for: isTerminal ? Self.redraw : .seconds(1))
        }
    }

    private func draw() {
        let now = clock.monotonic()
        let line: String? = state.withLock { state in
            if case .bytes(let done, let total, _) = state.bar.measure {
                state.meter.note(done, at: now)
                state.bar.measure = .bytes(done: done, total: total, rate: state.meter.bytesPerSecond)
            }
            guard !isTerminal else {
                state.isDrawn = true
                return "\r\(state.bar.line(width: Terminal.width, elapsed: now - began))\u{1B}[K"
            }
            guard now - state.toldAt >= Self.plainEvery else { return nil }
            state.toldAt = now
            return state.bar.line(width: nil, elapsed: now - began) + "\n"
        }
        if let line { Terminal.err(line) }
    }

    private func clear() {
        let wasDrawn = state.withLock { state in
            defer { state.isDrawn = false }
            return state.isDrawn
        }
        if wasDrawn { Terminal.err("\r\u{1B}[K") }
    }
}
