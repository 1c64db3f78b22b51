internal import Synchronization

/// The listeners of this program, by channel; both drivers hand their notifications to one.
final class Broadcaster: Sendable {
    /// Notifications kept for a listener that is slow; beyond, the oldest go and it is told to start afresh.
    static let backlog = 1024

    private struct State {
        var listeners: [String: [UInt64: AsyncStream<String>.Continuation]] = [:]
        var nextID: UInt64 = 0
        var isFinished = false
        /// Channels whose notifications arrive; nil means all, always.
        var established: Set<String>?
    }
    private let state: Mutex<State>
    private let epochs: Atomic<UInt64>

    /// - Parameter isAlwaysEstablished: true where nothing but this program notifies.
    init(isAlwaysEstablished: Bool) {
        state = Mutex(State(established: isAlwaysEstablished ? nil : []))
        epochs = Atomic(isAlwaysEstablished ? 1 : 0)
    }

    /// Odd while notifications arrive, and another number after each interruption; read by every poll, without a lock.
    var epoch: UInt64 { epochs.load(ordering: .acquiring) }

    /// The payloads of a channel; `ListenSignal.reset` comes first, as soon as none can be missed any more.
    /// - Parameters:
    ///   - channel: its name.
    ///   - onEmpty: called when the last listener of the channel has gone.
    /// - Returns: the stream.
    func listen(_ channel: String, onEmpty: @escaping @Sendable () -> Void = {}) -> AsyncStream<String> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: String.self, bufferingPolicy: .bufferingNewest(Self.backlog))
        let id = state.withLock { state -> UInt64? in
            guard !state.isFinished else { return nil }
            state.nextID += 1
            state.listeners[channel, default: [:]][state.nextID] = continuation
            if state.established?.contains(channel) ?? true { continuation.yield(ListenSignal.reset) }
            return state.nextID
        }
        guard let id else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [self] _ in
            if remove(id, from: channel) { onEmpty() }
        }
        return stream
    }

    /// Gives a payload to every listener of a channel.
    func send(_ payload: String, to channel: String) {
        let listeners = state.withLock { Array(($0.listeners[channel] ?? [:]).values) }
        for listener in listeners {
            // What was dropped may have mattered, so the newest entry says that something is missing.
            if case .dropped = listener.yield(payload) { listener.yield(ListenSignal.reset) }
        }
    }

    /// From now on a channel's notifications arrive: its listeners are told to start afresh.
    func establish(_ channel: String) {
        let listeners = state.withLock { state in
            state.established?.insert(channel)
            if epoch.isMultiple(of: 2) { epochs.add(1, ordering: .releasing) }
            return Array((state.listeners[channel] ?? [:]).values)
        }
        for listener in listeners { listener.yield(ListenSignal.reset) }
    }

    /// Notifications don't arrive any more.
    func loseAll() {
        state.withLock { state in
            guard state.established != nil else { return }
            state.established = []
            if !epoch.isMultiple(of: 2) { epochs.add(1, ordering: .releasing) }
        }
    }

    /// Stops one channel, unless somebody has begun to listen to it again.
    /// - Returns: false if so.
    func abandon(_ channel: String) -> Bool {
        state.withLock { state in
            guard state.listeners[channel] == nil else { return false }
            state.established?.remove(channel)
            return true
        }
    }

    /// The channels that somebody listens to.
    var channels: Set<String> { state.withLock { Set($0.listeners.keys) } }

    /// Ends every stream, and any that is asked for later.
    func finish() {
        // Finished outside the lock: that calls `onTermination`, which takes it.
        let listeners = state.withLock { state in
            state.isFinished = true
            return state.listeners.values.flatMap(\.values)
        }
        for listener in listeners { listener.finish() }
    }

    /// - Returns: true if that was the channel's last listener.
    private func remove(_ id: UInt64, from channel: String) -> Bool {
        state.withLock { state in
            state.listeners[channel]?[id] = nil
            guard state.listeners[channel]?.isEmpty == true else { return false }
            state.listeners[channel] = nil
            return true
        }
    }
}
