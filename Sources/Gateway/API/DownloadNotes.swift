internal import Model
internal import Reactor
internal import Record

/// Renews the retention of what clients download: a finished task is kept so long after its last download (contract, section 10).
struct DownloadNotes: Sendable {
    let lookup: TaskLookup
    /// So often one task is written at most: a client may ask for the same archive in hundreds of ranges.
    let interval: Duration

    /// - Parameters:
    ///   - lookup: finds the task.
    ///   - retentions: what is counted from a download; a moment that is late by a tenth of the shortest is soon enough.
    init(_ lookup: TaskLookup, retentions: [Duration]) {
        self.lookup = lookup
        interval = retentions.map { $0 / 10 }.reduce(.seconds(60), min)
    }

    /// Notes, in the background, that a client gets a task's results now.
    /// - Parameters:
    ///   - id: a finished task.
    ///   - keptFrom: from when it is kept, as far as memory knows.
    ///   - loop: where the record is written; the download doesn't wait for it.
    func downloaded(_ id: TaskID, keptFrom: Timestamp?, on loop: EventLoop) {
        guard isDue(keptFrom) else { return }
        Task(executorPreference: loop) { await note(id) }
    }

    /// Notes a download, and waits until it is written.
    func note(_ id: TaskID) async {
        guard isDue(lookup.mirror.task(id)?.record.keptFrom) else { return }
        let now = lookup.clock.timestamp
        // Before the record: of many ranges at once only the first is written. What fails is made up for by a later download.
        lookup.mirror.change(id) { $0.record.keptFrom = now }
        try? await lookup.store.noteDownload(id, at: now)
    }

    private func isDue(_ keptFrom: Timestamp?) -> Bool {
        keptFrom.map { lookup.clock.timestamp - $0 >= interval } ?? false
    }
}
