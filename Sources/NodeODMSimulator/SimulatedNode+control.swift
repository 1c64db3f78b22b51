import NodeODM

/// What tests do to the node, beside the API.
extension SimulatedNode {
    /// What becomes of a request before it is carried out.
    struct Admission: Sendable {
        var delay: Int64
        /// Close the connection and do nothing.
        var isDropped: Bool
        /// Do it, then close the connection.
        var isDroppedAfter: Bool
        /// Answer 500 and do nothing.
        var isFailed: Bool
    }

    /// Counts a request and asks the knobs.
    func admit(_ endpoint: Endpoint) -> Admission {
        journal.request(endpoint)
        return Admission(
            delay: max(0, knobs.delay[endpoint] ?? 0), isDropped: knobs.takeOne(\.drop, endpoint),
            isDroppedAfter: knobs.takeOne(\.dropAfter, endpoint), isFailed: knobs.takeOne(\.status500, endpoint))
    }

    /// How a download is to be sent.
    struct DownloadManner: Sendable {
        var honoursRanges: Bool
        /// Bytes after which the connection is cut; nil: never.
        var cutAfter: Int64?
        /// Bytes a second; 0: as fast as it goes.
        var rate: Int64
    }

    func downloadManner() -> DownloadManner {
        var cutAfter: Int64?
        if knobs.cutDownloads > 0 {
            knobs.cutDownloads -= 1
            cutAfter = knobs.cutAfterBytes
        }
        return DownloadManner(honoursRanges: knobs.ranges, cutAfter: cutAfter, rate: knobs.downloadRate)
    }

    /// Changes knobs; slots may have become free by it.
    func apply(_ json: JSONValue) throws(SimulatorError) -> [UInt8] {
        try knobs.apply(json)
        fillSlots()
        return knobsText()
    }

    func knobsText() -> [UInt8] { JSONWriter.text { knobs.encode(into: &$0) } }

    func journalText() -> [UInt8] { JSONWriter.text { journal.encode(into: &$0) } }

    /// Ends a run now; all runs where `uuid` is nil.
    func finish(_ uuid: String?) {
        for task in table.all where task.isProcessing && (uuid == nil || task.uuid == uuid) {
            hurried.insert(task.uuid)
        }
    }

    /// Forgets a task at once, as a crash before the next save of the list would.
    func vanish(_ uuid: String) {
        forget(uuid)
        changed()
        fillSlots()
    }

    /// Deletes a project's files but keeps the task, as a purge of the disk would.
    func purge(_ uuid: String) { Disk.remove(folder.project(uuid)) }
}
