internal import Reactor

/// The connection that listens, for all channels and all loops; kept up for as long as somebody listens.
actor PostgresListener {
    nonisolated let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    private let connector: PostgresConnector
    private let broadcaster: Broadcaster
    private let health: PostgresHealth
    private var service: Task<Void, Never>?
    /// Wakes the service: something can be read, or the channels have changed.
    private var wakeUp: AsyncStream<Void>.Continuation?
    private var isClosed = false

    private static let backoff = PostgresBackoff(first: .milliseconds(50), most: .seconds(2))
    private static let connectTime = Duration.seconds(10)

    init(connector: PostgresConnector, broadcaster: Broadcaster, health: PostgresHealth) {
        self.connector = connector
        self.broadcaster = broadcaster
        self.health = health
        loop = connector.loop
    }

    /// Looks at the broadcaster's channels again; starts the service with the first.
    func channelsChanged() {
        guard !isClosed else { return }
        wakeUp?.yield()
        if service == nil, !broadcaster.channels.isEmpty {
            // Owned by this actor: `close()` cancels it and waits for its end.
            service = Task(executorPreference: loop) { await self.serve() }
        }
    }

    /// Ends the service.
    func close() async {
        isClosed = true
        service?.cancel()
        await service?.value
    }

    private func serve() async {
        var attempt = 1
        while !Task.isCancelled {
            do {
                let connection = try await connector.connect(until: .now() + Self.connectTime)
                health.report(isUp: true)
                attempt = 1
                defer {
                    wakeUp = nil
                    broadcaster.loseAll()
                    connection.close()
                }
                try await listen(on: connection)
                continue
            } catch {
                health.report(isUp: false)
            }
            try? await loop.sleep(for: Self.backoff.pause(after: attempt))
            attempt += 1
        }
    }

    /// Serves one connection until it breaks or the task is cancelled.
    private func listen(on connection: PostgresConnection) async throws(DatabaseError) {
        let (events, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        wakeUp = signal
        signal.yield()
        var listening: Set<String> = []
        for await _ in events {
            try await follow(broadcaster.channels, &listening, on: connection)
            for (channel, payload) in try connection.notifications() { broadcaster.send(payload, to: channel) }
            // Paused by the first event, since the condition lasts until it has been read.
            connection.watcher.watch(.read) { _ in
                connection.watcher.watch([]) { _ in }
                signal.yield()
            }
        }
    }

    private func follow(
        _ wanted: Set<String>, _ listening: inout Set<String>, on connection: PostgresConnection
    ) async throws(DatabaseError) {
        guard wanted != listening else { return }
        connection.watcher.watch([]) { _ in }
        for channel in listening.subtracting(wanted) where broadcaster.abandon(channel) {
            try await connection.run("UNLISTEN \(connection.quoted(channel))", limit: connector.statementTimeout)
            listening.remove(channel)
        }
        for channel in wanted.subtracting(listening) {
            try await connection.run("LISTEN \(connection.quoted(channel))", limit: connector.statementTimeout)
            listening.insert(channel)
            broadcaster.establish(channel)
        }
    }
}
