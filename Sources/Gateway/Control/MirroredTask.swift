internal import Model
internal import NodeODM
internal import Reactor
internal import Record

/// The last known status of one task, ready to be answered.
struct MirroredTask: Sendable {
    /// The row as it was last written or read, with what the owner has said since.
    var record: TaskRecord
    /// The options as info shows them.
    let options: [TaskOption]
    /// The last console lines.
    var tail: OutputTail
    /// When a client last asked: a task that nobody watches is read less often.
    var lastAsked: MonotonicTime
    /// The info object without output, as JSON; empty until somebody asks.
    private var body: [UInt8] = []
    /// What is shown until a moment, where the task has just ended: several gateways are to know of an end before a client does.
    private var earlier: (body: [UInt8], until: MonotonicTime)?

    /// - Parameters:
    ///   - record: the row.
    ///   - options: validated against the union of the fleet.
    ///   - now: counts as the first time that somebody asks.
    init(_ record: TaskRecord, options: [TaskOption], now: MonotonicTime) {
        self.record = record
        self.options = options
        tail = OutputTail(savedLines: record.lineCount)
        lastAsked = now
    }

    /// Whether clients know it: committed, and not being removed.
    var isVisible: Bool { record.isCommitted && record.intent != .remove }
    /// Whether it counts in /info's queue.
    var isUnfinished: Bool { isVisible && !record.shownCode.isFinal }
    /// Whether the backend's word about it is still awaited.
    var isWatched: Bool { record.state == .placed }

    /// Whether a backend has it, or is being sent it.
    var hasBackend: Bool { record.state == .dispatching || record.state == .placed }

    /// Whether it waits for a slot: no backend had a free one.
    var isWaiting: Bool { isUnfinished && record.state == .queued && record.isWaiting && record.intent == .none }

    /// This snapshot, made anew from the record, with what an older one in memory has and the record doesn't have yet.
    ///
    /// Progress and lines are written every few seconds, so the record may be behind; after a restart nothing of the
    /// earlier run is left.
    /// - Parameters:
    ///   - old: what memory had.
    ///   - endDelay: how long an end isn't shown yet.
    /// - Returns: the two together.
    func following(_ old: MirroredTask, endDelay: Duration = .zero) -> MirroredTask {
        var new = self
        new.lastAsked = old.lastAsked
        guard record.run == old.record.run else { return new }
        new.keepShowing(old, lastAsked, endDelay)
        new.body = old.body
        new.tail = old.tail
        new.tail.agree(withRecorded: record.lineCount)
        new.record.progress = max(record.progress, old.record.progress)
        if isWatched, old.isWatched, record.attempt?.key == old.record.attempt?.key {
            new.record.ownerCode = old.record.ownerCode
            new.record.processingTime = old.record.processingTime
            new.record.imagesShown = old.record.imagesShown ?? record.imagesShown
            // Where the record has more lines than memory, its word of the log goes with them.
            if record.lineCount <= old.tail.end {
                new.record.attempt?.logCursor = old.record.attempt?.logCursor ?? 0
            }
        }
        new.renewAnswer()
        return new
    }

    /// Takes over how far the record has the task's logs: another gateway wrote them, and this one goes on from there.
    mutating func agree(withLogsOf recorded: TaskRecord) {
        guard record.attempt?.key == recorded.attempt?.key, record.run == recorded.run else { return }
        tail = OutputTail(savedLines: recorded.lineCount)
        record.attempt?.logCursor = recorded.attempt?.logCursor ?? 0
        record.lineCount = recorded.lineCount
    }

    /// What /task/{uuid}/info says, without output.
    var info: TaskInfo {
        let code = record.shownCode
        var info = TaskInfo(
            uuid: record.id.string, name: record.name, dateCreated: record.dateCreated,
            processingTime: record.processingTime, status: code, errorMessage: record.errorMessage, options: options,
            imagesCount: record.imagesShown ?? record.images, progress: code == .completed ? 100 : record.progress)
        guard let fields = ObjectStorageFields(recorded: record.objectStorage) else { return info }
        info.s3InputPath = fields.input.description
        // A node keeps its results; until a backend is chosen only a task that no node takes has a place for certain.
        info.s3OutputPath = (record.attempt.map(\.output) ?? (fields.namesPlaces ? fields.output : nil))?.description
        return info
    }

    /// A client that hears of an end asks for the results at once, perhaps elsewhere (rules: *Mirror and replicas*). What its
    /// owner cancelled shows that from the beginning.
    private mutating func keepShowing(_ old: MirroredTask, _ now: MonotonicTime, _ delay: Duration) {
        guard record.state.isFinal else { return }
        if old.record.state.isFinal {
            earlier = old.earlier
        } else if delay > .zero, !old.record.shownCode.isFinal, record.state != .canceled || old.isWatched {
            earlier = (old.composed, now + delay)
        }
    }

    /// The info object without output, as it is shown at a moment.
    func body(at now: MonotonicTime) -> [UInt8] {
        if let earlier, now < earlier.until { return earlier.body }
        return body.isEmpty ? composed : body
    }

    /// Keeps the object for the next one who asks.
    mutating func prepareAnswer() { if body.isEmpty { body = composed } }

    /// To be called after every change of what the object shows: it is written anew where somebody has asked for it.
    mutating func renewAnswer() { if !body.isEmpty { body = composed } }

    private var composed: [UInt8] {
        var json = JSONWriter(reserving: 512)
        info.encode(into: &json, output: [String]?.none)
        // A copy of the length that it has: many may be kept.
        return Array(json.bytes[...])
    }

    /// The whole info object.
    /// - Parameters:
    ///   - lines: the console lines to show; nil leaves the key out.
    ///   - now: an end may be too young to be shown.
    /// - Returns: one JSON object.
    func answer(with lines: (some Collection<String>)?, at now: MonotonicTime) -> [UInt8] {
        let body = body(at: now)
        guard let lines else { return body }
        var json = JSONWriter(reserving: 256)
        json.beginArray()
        for line in lines { json.string(line) }
        json.endArray()
        return body.dropLast() + Self.outputKey + json.bytes + [UInt8(ascii: "}")]
    }

    private static let outputKey = Array(#","output":"#.utf8)
}
