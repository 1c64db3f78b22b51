import Synchronization

/// What one client of GET /api/events is still to be sent: bounded, so that a slow reader costs his place and nothing else.
final class EventQueue: Sendable {
    /// How it ended.
    enum End: Sendable, Equatable {
        /// The gateway drains: the answer ends as it should.
        case drained
        /// The client has gone.
        case left
        /// The client reads too slowly: the answer is cut.
        case tooSlow
    }

    private struct State {
        var frames: [[UInt8]] = []
        var next = 0
        var bytes = 0
        var end: End?
    }

    private let state = Mutex(State())
    private let wake = WakeUp()
    private let byteLimit: Int

    /// - Parameter byteLimit: what may wait for the client; the frames themselves are shared by all clients.
    init(byteLimit: Int) { self.byteLimit = byteLimit }

    /// How it ended; nil before.
    var end: End? { state.withLock { $0.end } }

    /// Adds a frame.
    /// - Returns: false where the client is too far behind, or the queue has ended: then there is nothing left to send.
    @discardableResult
    func offer(_ frame: [UInt8]) -> Bool {
        let isTaken = state.withLock { state in
            guard state.end == nil else { return false }
            guard state.bytes + frame.count <= byteLimit else {
                state = State(end: .tooSlow)
                return false
            }
            state.frames.append(frame)
            state.bytes += frame.count
            return true
        }
        wake.wake()
        return isTaken
    }

    /// Ends it; what still waits isn't sent.
    func finish(_ end: End) {
        state.withLock { if $0.end == nil { $0 = State(end: end) } }
        wake.wake()
    }

    /// The next frame, once there is one.
    /// - Returns: nil at the end.
    func next() async -> [UInt8]? {
        for await _ in wake.wakeUps() {
            if let frame = take() {
                // Also for the frames behind it, and for the end.
                wake.wake()
                return frame
            }
            if end != nil { break }
        }
        return nil
    }

    private func take() -> [UInt8]? {
        state.withLock { state in
            guard state.next < state.frames.count else { return nil }
            let frame = state.frames[state.next]
            state.next += 1
            state.bytes -= frame.count
            // What was sent goes, also of a client that is never quite up to date; each frame is moved twice at most.
            if state.next * 2 >= state.frames.count {
                state.frames.removeFirst(state.next)
                state.next = 0
            }
            return frame
        }
    }
}
