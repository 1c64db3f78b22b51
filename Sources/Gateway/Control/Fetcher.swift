internal import HTTPClient
internal import Model
internal import Observability
internal import Reactor
internal import Record
internal import Storage

/// Fetches the inputs of tasks with an http(s) `zipurl`, a few at a time; until then such a task is queued and not placed.
///
/// Woken by commits, restarts, cancels and removes, and by its own ends. What is to be fetched is read from the record each
/// time, so a start takes up what an earlier life left.
actor Fetcher: Service {
    nonisolated let name = "fetcher"
    private let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    /// One run of a task: after a restart a new fetch begins.
    fileprivate struct Run: Hashable {
        let task: TaskID
        let number: Int
    }

    private struct Running {
        let run: Run
        /// Cancelled when the task isn't to be fetched any more.
        let work: Task<Result<Void, FetchError>, Never>
        /// Waits for the work and settles it.
        var keeper: Task<Void, Never>?
    }

    private let parts: DispatchParts
    private let client: CurlClient
    private let spool: DirectoryStore
    private let storage: any ObjectStore
    private let health: StorageHealth
    private let rules: FetchRules
    private let wake: WakeUp
    private var running: [TaskID: Running] = [:]
    /// Who pauses after a failure, each with what ends the pause.
    private var pauses: [Run: Task<Void, Never>] = [:]
    /// Wakes it after the record gave no answer, or the storage folder was wrong.
    private var alarm: Task<Void, Never>?
    private var isDraining = false

    /// - Parameters:
    ///   - parts: the record, the mirror and what is woken afterwards.
    ///   - client: asks the servers.
    ///   - spool: holds archives while they are unpacked.
    ///   - storage: holds the unpacked files.
    ///   - health: of both.
    ///   - rules: what may be fetched.
    ///   - wake: wakes it.
    ///   - loop: where it runs.
    init(
        _ parts: DispatchParts, client: CurlClient, spool: DirectoryStore, storage: any ObjectStore,
        health: StorageHealth, rules: FetchRules, wake: WakeUp, loop: EventLoop
    ) {
        self.parts = parts
        self.client = client
        self.spool = spool
        self.storage = storage
        self.health = health
        self.rules = rules
        self.wake = wake
        self.loop = loop
    }

    func run() async throws {
        wake.wake()
        for await _ in wake.wakeUps() {
            if Task.isCancelled { break }
            do { try await pass() } catch {
                if Task.isCancelled { break }
                parts.logger.warning("fetches not read from the record", ["error": .string("\(error)")])
                lookAgain()
            }
        }
        isDraining = true
        let ending = Array(running.values)
        for fetch in ending {
            fetch.work.cancel()
            fetch.keeper?.cancel()
        }
        for pause in pauses.values { pause.cancel() }
        alarm?.cancel()
        for fetch in ending { await fetch.keeper?.value }
    }

    private func pass() async throws {
        // Another gateway fetches: what was begun here belongs to it.
        guard parts.duties.isMine(.fetching) else {
            for fetch in running.values { fetch.work.cancel() }
            return
        }
        let records = try await parts.durable.run { () throws(RecordError) in try await parts.store.fetching() }.result
        let wanted = Set(records.map(\.fetchRun))
        for fetch in running.values where !wanted.contains(fetch.run) { fetch.work.cancel() }
        for (run, pause) in pauses where !wanted.contains(run) {
            pause.cancel()
            pauses[run] = nil
        }
        // Into a folder that isn't ours nothing is fetched; the tasks wait, and nothing counts against them.
        guard health.problem == nil else { return lookAgain() }
        for record in records.sorted(by: Self.goesFirst) {
            guard running.count < FetchRules.concurrency else { return }
            if running[record.id] == nil, pauses[record.fetchRun] == nil { start(record) }
        }
    }

    private func lookAgain() {
        let (clock, wake) = (parts.clock, wake)
        alarm?.cancel()
        alarm = Task(executorPreference: loop) {
            guard (try? await clock.sleep(for: .seconds(5))) != nil else { return }
            wake.wake()
        }
    }

    private static func goesFirst(_ one: TaskRecord, _ other: TaskRecord) -> Bool {
        if one.priority != other.priority { return one.priority > other.priority }
        return (one.queuedAt ?? one.createdAt) < (other.queuedAt ?? other.createdAt)
    }

    private func start(_ record: TaskRecord) {
        let job = FetchJob(
            task: record, store: store, durable: parts.durable, clock: parts.clock, client: client, spool: spool,
            storage: storage, rules: rules)
        // Owned by `running`: a group's children can't be cancelled singly.
        let work = Task(executorPreference: loop) { () async -> Result<Void, FetchError> in
            do throws(FetchError) { return .success(try await job.run()) } catch { return .failure(error) }
        }
        running[record.id] = Running(run: record.fetchRun, work: work)
        running[record.id]?.keeper = Task(executorPreference: loop) {
            await self.settle(record, await work.value)
        }
    }

    // MARK: Ends

    private func settle(_ record: TaskRecord, _ outcome: Result<Void, FetchError>) async {
        if !isDraining, parts.duties.isMine(.fetching) {
            switch outcome {
            case .success: parts.logger.info("inputs fetched", ["task": .string(record.id.string)])
            case .failure(let error): await note(error, of: record)
            }
            await tidy(record.id)
            // The mirror shows the end also where the database is away just now.
            _ = try? await parts.durable.run { () throws(RecordError) in try await parts.store.record(of: record.id) }
            await parts.refresh(record.id)
            parts.placement.wake()
        }
        running[record.id] = nil
        wake.wake()
    }

    private func note(_ error: FetchError, of record: TaskRecord) async {
        guard error.code != .cancelled, health.problem == nil else { return }
        parts.logger.warning(
            "inputs not fetched",
            [
                "task": .string(record.id.string), "code": .string(error.code.rawValue),
                "error": .string(error.message),
            ])
        do {
            let failures = try await parts.durable.run { () throws(RecordError) in
                try await store.noteFetchFailure(record.id, reason: error.message, at: now)
            }.result
            guard let failures else { return }
            guard !error.isFinal, failures < FetchRules.tries else { return await giveUp(record.id, error.message) }
            pause(record.fetchRun, for: FetchRules.pause(after: failures))
        } catch {
            pause(record.fetchRun, for: FetchRules.pause(after: 1))
        }
    }

    private func giveUp(_ id: TaskID, _ reason: String) async {
        // The files first: once the task is over, the record keeps what it has of them.
        try? await forget(id)
        _ = try? await parts.durable.run { () throws(RecordError) in
            try await store.failQueued(id, reason: reason, webhook: parts.webhooks, at: now)
        }
        parts.webhookWake.wake()
    }

    private func pause(_ run: Run, for duration: Duration) {
        pauses[run] = Task(executorPreference: loop) {
            guard (try? await self.parts.clock.sleep(for: duration)) != nil else { return }
            await self.resume(run)
        }
    }

    private func resume(_ run: Run) {
        pauses[run] = nil
        wake.wake()
    }

    /// Removes what a try left, unless it was the one that succeeded.
    ///
    /// The record decides, not what the job saw: a job that was stopped in its last step may have succeeded.
    private func tidy(_ id: TaskID) async {
        do throws(RecordError) {
            let record = try await parts.store.record(of: id)
            if record?.isFetching ?? true {
                try? await forget(id)
            } else {
                try? await spool.remove(prefix: FetchJob.spoolPrefix(of: id))
                if record?.intent == .remove { try? await storage.remove(prefix: FetchJob.filesPrefix(of: id)) }
            }
        } catch {
            // With the database away nobody can tell; the next try, or the sweep for orphans, removes it.
        }
    }

    private func forget(_ id: TaskID) async throws {
        try await FetchJob.forget(
            id, store: store, durable: parts.durable, clock: parts.clock, spool: spool, storage: storage)
    }

    /// For what only the gateway does that fetches.
    private var store: TaskStore { parts.duties.store(parts.store, for: .fetching) }
    private var now: Timestamp { parts.clock.timestamp }
}

extension TaskRecord {
    fileprivate var fetchRun: Fetcher.Run { Fetcher.Run(task: id, number: run) }
}
