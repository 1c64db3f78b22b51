public import Model

/// What an Argo backend reads and writes of an object store beside what pods do: descriptions, markers, consoles. Small objects all.
public protocol SmallObjects: Sendable {
    /// Reads an object.
    /// - Parameters:
    ///   - name: below the place.
    ///   - place: bucket and prefix.
    ///   - endpoint: another object store than the gateway's own, where a task names one.
    /// - Returns: nil where there is none.
    /// - Throws: anything where that can't be told now.
    func read(_ name: String, in place: S3URL, endpoint: String?) async throws -> [UInt8]?
    /// Writes an object.
    /// - Throws: anything where it may not be there.
    func write(_ bytes: [UInt8], _ name: String, in place: S3URL) async throws
}

/// An attempt as the record has it: what can't be asked of a cluster that no longer knows its workflow.
public struct RecordedWorkflow: Sendable, Equatable {
    /// As clients know it.
    public var task: TaskID
    /// 1, 2, 3, …
    public var attempt: Int
    /// Where its results go.
    public var output: S3URL
    /// Another object store than the gateway's own.
    public var endpoint: String?

    /// Every part is given.
    public init(task: TaskID, attempt: Int, output: S3URL, endpoint: String? = nil) {
        self.task = task
        self.attempt = attempt
        self.output = output
        self.endpoint = endpoint
    }
}

/// The record, as far as an Argo backend needs it.
public protocol WorkflowRecords: Sendable {
    /// The attempt whose workflow has this name; nil where the record knows none.
    func recorded(_ workflow: BackendTaskID) async -> RecordedWorkflow?
}

/// Why an object of the markers' names is, or isn't, this attempt's.
struct AttemptMarker: Sendable, Equatable {
    /// Images that the runner counted; −1 where it doesn't say.
    var images = -1
    /// Bytes of the results.
    var bytes: Int64 = 0
}
