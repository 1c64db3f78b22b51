public import Model
public import NodeODM
internal import Observability
internal import Reactor
import Synchronization

extension ArgoBackend {
    /// After its end a workflow that succeeded has so long to show its marker (rules: *S3*).
    private static let markerGrace = Duration.seconds(60)
    /// A workflow that ran is given up only when it was missed so often, over so long (rules: *Vanished*).
    private static let confirmations = 3
    private static let vanishedGrace = Duration.seconds(300)
    /// Pulls that fail may come right; those that fail so long don't.
    private static let stuckLimit = Duration.seconds(600)

    /// Reads a workflow: from the watch while it is current, else by a get, before which a list that is on its way is waited for; where the cluster has forgotten it, from its markers.
    public func status(of task: BackendTaskID, outputFrom line: Int?) async throws(BackendError) -> TaskInfo {
        let workflow: WorkflowObject
        await watch.untilListed()
        if let known = watch.fresh(task.string) {
            workflow = known
        } else {
            // Of a cluster that is away every task would be asked for in vain.
            if let outage = watch.outage, outage.code.isSilence { throw failure(outage) }
            do throws(ArgoError) { workflow = try await client.get(task.string) } catch {
                guard error.code == .notFound else { throw failure(error) }
                return try await forgotten(task, outputFrom: line)
            }
            guard workflow.isOwned(by: settings.gateway) else {
                throw failure(.unknownTask, "the workflow of that name isn't this gateway's")
            }
            watch.note(workflow)
        }
        state.withLock { $0.missed[task.string] = nil }
        return try await info(of: workflow, task, outputFrom: line)
    }

    private func info(
        of workflow: WorkflowObject, _ task: BackendTaskID, outputFrom line: Int?
    ) async throws(BackendError) -> TaskInfo {
        let mapping = PhaseMapping(workflow, now: Timestamp(milliseconds: clock.wallMilliseconds()))
        await endStuck(workflow, mapping)
        let console = line.map { self.console(of: task.string, taken: $0) }
        if let console { try await read(console, workflow) }
        var info = TaskInfo(
            uuid: task.string, name: workflow.labels[WorkflowManifest.Mark.task] ?? "",
            dateCreated: workflow.createdAt ?? Timestamp(milliseconds: clock.wallMilliseconds()),
            processingTime: console?.monotone(mapping.processingTime) ?? mapping.processingTime, status: mapping.status,
            imagesCount: console?.images ?? -1,
            progress: mapping.progress)
        if !mapping.status.isFinal { info.progress = max(info.progress, console?.progress ?? 0) }
        switch mapping.status {
        case .completed: try await confirm(&info, workflow)
        case .failed: info.errorMessage = (stuckCause(of: workflow.name) ?? mapping.cause)?.message
        case .canceled:
            if let cause = stuckCause(of: workflow.name) {
                info.status = .failed
                info.errorMessage = cause.message
            }
        case .queued, .running: break
        }
        if let line, let console { info.output = console.lines(from: line) }
        return info
    }

    // MARK: Ends

    /// Success counts once this attempt's own marker is there.
    private func confirm(_ info: inout TaskInfo, _ workflow: WorkflowObject) async throws(BackendError) {
        guard let recorded = await recorded(workflow), objects != nil else { return }
        if let marker = try await marker("_DONE.json", of: recorded, workflow.name) {
            if marker.images >= 0 { info.imagesCount = marker.images }
            state.withLock { $0.unmarked[workflow.name] = nil }
            return
        }
        // By our own clock from when we first looked: the cluster's may be another.
        let now = clock.monotonic()
        let since = state.withLock { state in
            let since = state.unmarked[workflow.name] ?? now
            state.unmarked[workflow.name] = since
            return since
        }
        if now - since < Self.markerGrace {
            info.status = .running
            info.progress = 99
        } else {
            info.status = .failed
            info.errorMessage = "The results are missing: the run ended well, but left no \"_DONE.json\" of its own"
        }
    }

    /// A name that the cluster doesn't know. It may have run and been collected: the markers tell.
    private func forgotten(_ task: BackendTaskID, outputFrom line: Int?) async throws(BackendError) -> TaskInfo {
        try await proveAddress()
        watch.forget(task.string)
        guard let recorded = await records?.recorded(task), objects != nil else {
            throw failure(.unknownTask, "the cluster has no workflow \(task)")
        }
        if let marker = try await marker("_DONE.json", of: recorded, task.string) {
            return gone(task, recorded, .completed, images: marker.images, outputFrom: line)
        }
        guard try await marker("_STARTED.json", of: recorded, task.string) != nil else {
            throw failure(.unknownTask, "the cluster has no workflow \(task), and it left no trace")
        }
        // It was there, so that it isn't is for the gateway to confirm and to answer by another attempt.
        if settings.rerunsVanished {
            throw failure(.unknownTask, "the cluster has no workflow \(task), which had started")
        }
        let now = clock.monotonic()
        let missed = state.withLock { state in
            var missed = state.missed[task.string] ?? (now, 0)
            missed.count += 1
            state.missed[task.string] = missed
            return missed
        }
        guard missed.count >= Self.confirmations, now - missed.since >= Self.vanishedGrace else {
            throw failure(.outcomeUnknown, "the workflow had started, and the cluster doesn't show it now")
        }
        return gone(task, recorded, .failed, images: -1, outputFrom: line)
    }

    private func gone(
        _ task: BackendTaskID, _ recorded: RecordedWorkflow, _ status: StatusCode, images: Int, outputFrom line: Int?
    ) -> TaskInfo {
        let now = Timestamp(milliseconds: clock.wallMilliseconds())
        let output = line.flatMap { line in state.withLock { $0.consoles[task.string] }?.lines(from: line) }
        return TaskInfo(
            uuid: task.string, name: recorded.task.string, dateCreated: now, processingTime: -1, status: status,
            errorMessage: status == .failed ? "The workflow was removed from the cluster before it ended" : nil,
            imagesCount: images, progress: status == .completed ? 100 : 0, output: output)
    }

    /// The attempt of a workflow: as the record has it.
    private func recorded(_ workflow: WorkflowObject) async -> RecordedWorkflow? {
        await records?.recorded(BackendTaskID(workflow.name))
    }

    /// Reads a marker; one that names another task or attempt isn't ours, for two tasks may share a place.
    private func marker(
        _ name: String, of recorded: RecordedWorkflow, _ workflow: String
    ) async throws(BackendError) -> AttemptMarker? {
        guard let objects else { return nil }
        let bytes: [UInt8]?
        do { bytes = try await objects.read(name, in: recorded.output, endpoint: recorded.endpoint) } catch {
            throw failure(.outcomeUnknown, "\(name) can't be read: \(error)")
        }
        guard let bytes, let json = try? JSONValue(parsing: bytes) else { return nil }
        guard json["task"]?.text?.lowercased() == recorded.task.key, json["workflow"]?.text == workflow,
            json["attempt"]?.integer == Int64(recorded.attempt)
        else { return nil }
        return AttemptMarker(
            images: json["images"]?.integer.flatMap { Int(exactly: $0) } ?? -1, bytes: json["bytes"]?.integer ?? 0)
    }

    // MARK: Stuck ones

    private func stuckCause(of name: String) -> FailureCause? { state.withLock { $0.stuck[name] } }

    /// Ends what would wait for ever: an image that can't be pulled, a secret that isn't there.
    private func endStuck(_ workflow: WorkflowObject, _ mapping: PhaseMapping) async {
        guard let stuck = mapping.stuck else { return }
        let now = Timestamp(milliseconds: clock.wallMilliseconds())
        guard now - stuck.since >= Self.stuckLimit else { return }
        let isNews = state.withLock { state in
            defer { state.stuck[workflow.name] = stuck.cause }
            return state.stuck[workflow.name] == nil
        }
        if isNews {
            logger?.warning(
                "workflow can't start and is ended",
                ["workflow": .string(workflow.name), "reason": .string(stuck.cause.message)])
        }
        do throws(ArgoError) { try await client.terminate(workflow.name) } catch {
            logger?.info("terminate failed", ["workflow": .string(workflow.name), "reason": .string(error.message)])
        }
    }

    // MARK: Consoles

    private func console(of name: String, taken: Int) -> Console {
        state.withLock { state in
            if let console = state.consoles[name] { return console }
            let console = Console(client: client, clock: clock, taken: taken)
            state.consoles[name] = console
            return console
        }
    }

    private func read(_ console: Console, _ workflow: WorkflowObject) async throws(BackendError) {
        guard workflow.isFinished else { return await console.poll(workflow) }
        let isComplete = await console.complete(workflow) {
            guard let objects = self.objects, let recorded = await self.recorded(workflow) else { return nil }
            return try? await objects.read("task_output.txt", in: recorded.output, endpoint: recorded.endpoint)
        }
        // Whoever is told of the end asks for no more lines.
        guard isComplete else {
            throw failure(.outcomeUnknown, "the task has ended, and its console can't be read now")
        }
    }
}
