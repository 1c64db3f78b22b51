import Model
import NodeODM

/// cancel, remove, restart (contract 2.11).
extension SimulatedNode {
    /// Any state but 50 becomes 50; a run is stopped, not awaited.
    func cancel(_ uuid: String) throws(Refusal) {
        let task = try knownForAction(uuid)
        guard task.status != .canceled else { return }
        _ = table.change(uuid) { $0.cancel() }
        if task.isProcessing {
            work[uuid]?.cancel()
            ended(uuid)
        } else {
            changed()
            fillSlots()
        }
    }

    /// Cancels, waits for what still works on the files, and deletes everything.
    func remove(_ uuid: String) async throws(Refusal) {
        try cancel(uuid)
        await work[uuid]?.value
        forget(uuid)
        changed()
        fillSlots()
    }

    /// From 30, 40, 50 to 10; same uuid. `options` is JSON text, nil keeps the old ones.
    func restart(_ uuid: String, options: String?) throws(Refusal) {
        let task = try knownForAction(uuid)
        let options = try options.map { (text) throws(Refusal) in
            try InitFields.validate(text, skipPostProcessing: task.skipPostProcessing)
        }
        let stage = options?.first { $0.name == "rerun-from" }?.value.text ?? ""
        guard stage.isEmpty || task.isInitialising || Disk.isFolder(folder.project(uuid) + "/images") else {
            throw Refusal("The project of \(uuid) is gone; rerun-from needs it", isAction: true)
        }
        let now = now
        guard table.change(uuid, { $0.restart(options: options, at: now) }) == true else {
            throw Refusal("Task cannot be restarted", isAction: true)
        }
        changed()
        fillSlots()
    }

    private func knownForAction(_ uuid: String) throws(Refusal) -> SimulatedTask {
        guard let task = table[uuid] else { throw Refusal("\(uuid) not found", isAction: true) }
        return task
    }

    /// Takes a task out of the list and deletes its folder.
    func forget(_ uuid: String) {
        work.removeValue(forKey: uuid)?.cancel()
        table.remove(uuid)
        Disk.remove(folder.project(uuid))
    }
}
