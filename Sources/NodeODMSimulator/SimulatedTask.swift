import Model
import NodeODM

/// One task of the node and its legal transitions (contract 3.1). A value: no I/O, no clock.
struct SimulatedTask: Sendable {
    let uuid: String
    /// Nil where init had no `name`: NodeODM then omits it from info.
    var name: String?
    /// Wall clock, ms; a restart resets it.
    var dateCreated: Int64
    private(set) var status = StatusCode.running
    var errorMessage: String?
    var options: [TaskOption]
    /// Paths of the results that are wanted; nil: the default set.
    var outputs: [String]?
    var webhook: String?
    var skipPostProcessing = false
    /// Images, or all uploaded files while the task is being initialised.
    var imagesCount: Int
    /// Between the commit and the queue; shown as 20.
    private(set) var isInitialising = true
    private(set) var progress = 0.0
    private(set) var output: [String] = []
    /// Wall clock of the start, ms.
    private(set) var startedAt: Int64?
    private var processingTime: Int64 = -1
    /// Counts starts; a run that was cancelled and started anew knows by it that it is of the past.
    private(set) var run = 0

    init(uuid: String, name: String?, dateCreated: Int64, options: [TaskOption], imagesCount: Int) {
        self.uuid = uuid
        self.name = name
        self.dateCreated = dateCreated
        self.options = options
        self.imagesCount = imagesCount
    }

    /// Being processed, not only initialised.
    var isProcessing: Bool { status == .running && !isInitialising }
    /// Waits for a slot.
    var isQueued: Bool { status == .queued }

    /// Files are in place; a task that was cancelled meanwhile stays so.
    mutating func initialised(images: Int) {
        isInitialising = false
        imagesCount = images
        if status == .running { status = .queued }
    }

    /// Files couldn't be put in place, or there were too many.
    mutating func initialisationFailed(_ message: String) {
        isInitialising = false
        guard status == .running else { return }
        status = .failed
        errorMessage = message
        progress = 100
    }

    mutating func start(at now: Int64) {
        status = .running
        startedAt = now
        processingTime = 0
        progress = 0
        run += 1
    }

    /// One step of the run: progress never falls.
    mutating func advance(progress: Double, lines: [String]) {
        self.progress = max(self.progress, progress)
        output.append(contentsOf: lines)
    }

    mutating func complete(at now: Int64) { end(.completed, at: now) }

    /// Progress is 100 here too, as NodeODM shows it.
    mutating func fail(_ message: String?, at now: Int64) {
        errorMessage = message
        end(.failed, at: now)
    }

    private mutating func end(_ code: StatusCode, at now: Int64) {
        processingTime = now - (startedAt ?? now)
        startedAt = nil
        status = code
        progress = 100
    }

    /// Any state becomes 50, even 30 and 40.
    mutating func cancel() {
        status = .canceled
        errorMessage = nil
        startedAt = nil
        processingTime = -1
    }

    /// From 30, 40, 50 only; false where the task can't be restarted. Options are validated, nil keeps the old ones.
    mutating func restart(options: [TaskOption]?, at now: Int64) -> Bool {
        guard status.isFinal else { return false }
        status = isInitialising ? .running : .queued
        errorMessage = nil
        dateCreated = now
        processingTime = -1
        startedAt = nil
        progress = 0
        output = []
        if let options { self.options = options }
        return true
    }

    /// What a new process makes of a saved task: 20 becomes 10, output and processing time are lost.
    mutating func revive(as saved: StatusCode, progress savedProgress: Double) {
        isInitialising = false
        status = saved == .running ? .queued : saved
        progress = status == .queued ? 0 : savedProgress
    }

    /// What info shows at a moment.
    func info(at now: Int64) -> TaskInfo {
        let time = startedAt.map { max(0, now - $0) } ?? processingTime
        return TaskInfo(
            uuid: uuid, name: name ?? "", dateCreated: Timestamp(milliseconds: dateCreated), processingTime: time,
            status: status, errorMessage: errorMessage, options: options, imagesCount: imagesCount, progress: progress)
    }
}
