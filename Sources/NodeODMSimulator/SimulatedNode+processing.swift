import Model
import NodeODM
import Reactor

/// Slots and runs (contract 3.1).
extension SimulatedNode {
    /// Starts queued tasks while there are free slots.
    func fillSlots() {
        while let uuid = table.nextToStart(slots: knobs.maxParallel) {
            let now = now
            guard
                let run = table.change(
                    uuid,
                    {
                        $0.start(at: now); return $0.run
                    })
            else { return }
            journal.started(uuid, at: now)
            changed()
            let before = work[uuid]
            work[uuid] = Task(executorPreference: loop) {
                await before?.value
                await self.process(uuid, run: run)
            }
        }
    }

    /// One run, from its start to 30, 40, or until it was cancelled.
    private func process(_ uuid: String, run: Int) async {
        guard await runEngine(uuid, run: run) else { return }
        if !Disk.isFolder(folder.project(uuid) + "/images") {
            end(uuid, run) { $0.fail("Cannot process dataset", at: $1) }
        } else if takeFailure() {
            let text = knobs.failText
            end(uuid, run) { $0.fail(text.isEmpty ? nil : text, at: $1) }
        } else {
            await postProcess(uuid, run: run)
        }
    }

    /// The engine's part: console lines and progress up to 90.
    /// - Returns: false where the run was cancelled.
    private func runEngine(_ uuid: String, run: Int) async -> Bool {
        var shown = 0
        while let task = current(uuid, run) {
            let engine = EngineRun(
                totalLines: Int(knobs.outputLines), images: task.imagesCount, isNasty: knobs.nastyOutput)
            let elapsed = now - (task.startedAt ?? now)
            let share = EngineRun.share(elapsed: elapsed, seconds: knobs.taskSeconds, isHeld: knobs.hold)
            let reached = hurried.remove(uuid) == nil ? share : 1
            let due = max(shown, engine.lineCount(at: reached))
            let from = shown
            _ = table.change(uuid) { $0.advance(progress: reached * 90, lines: engine.lines(from..<due)) }
            shown = due
            if reached >= 1 { return true }
            // Short enough that changed knobs work soon; a cancelled run ends its sleep at once.
            guard (try? await clock.sleep(for: .milliseconds(knobs.taskSeconds < 1 ? 10 : 50))) != nil else { break }
        }
        return false
    }

    private func postProcess(_ uuid: String, run: Int) async {
        _ = table.change(uuid) { $0.advance(progress: 93, lines: ["Postprocessing"]) }
        guard let task = current(uuid, run) else { return }
        let maker = ResultMaker(
            project: folder.project(uuid), options: task.options, outputs: task.outputs, console: task.output,
            extraBytes: knobs.resultBytes)
        _ = table.change(uuid) { $0.advance(progress: 97, lines: ["Compressing all.zip\n"]) }
        do {
            try await pool.run { try maker.make() }
            end(uuid, run) { $0.complete(at: $1) }
        } catch {
            // As in NodeODM: a failure here has no errorMessage.
            end(uuid, run) { $0.fail(nil, at: $1) }
        }
    }

    /// The task, if this run still is its run.
    private func current(_ uuid: String, _ run: Int) -> SimulatedTask? {
        guard let task = table[uuid], task.run == run, task.isProcessing else { return nil }
        return task
    }

    private func end(_ uuid: String, _ run: Int, _ change: (inout SimulatedTask, Int64) -> Void) {
        guard current(uuid, run) != nil else { return }
        let now = now
        _ = table.change(uuid) { change(&$0, now) }
        ended(uuid)
    }

    /// After a run ended in any way: journal, webhook, next task.
    func ended(_ uuid: String) {
        guard let task = table[uuid] else { return }
        journal.ended(uuid, code: task.status.rawValue, at: now)
        changed()
        sendWebhook(of: task)
        fillSlots()
    }

    private func takeFailure() -> Bool {
        if knobs.failNext > 0 {
            knobs.failNext -= 1
            return true
        }
        return knobs.failRate > 0 && Double.random(in: 0..<1) < knobs.failRate
    }

    private func sendWebhook(of task: SimulatedTask) {
        guard let url = task.webhook else { return }
        let images = Disk.read(folder.project(task.uuid) + "/images.json") ?? Array("[]".utf8)
        let now = now
        let body = JSONWriter.text { json in
            json.beginObject()
            task.info(at: now).encodeFields(into: &json)
            json.pair("images") { $0.raw(images) }
            json.endObject()
        }
        let sender = WebhookSender(url: url, body: body, pause: knobs.webhookPauseSeconds, clock: clock, pool: pool)
        // Owned by nobody: its attempts go on when the task was removed, as NodeODM's do, and end with the process.
        Task(executorPreference: loop) { await sender.run() }
    }
}
