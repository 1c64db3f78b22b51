public import Model

/// How a task ended, as its backend says.
public struct TaskEnd: Sendable, Equatable {
    /// 30, 40 or 50; anything else is taken for 30.
    public var code: StatusCode
    /// Why it failed, for people.
    public var errorMessage: String?
    /// 0–100; nil keeps what the record has.
    public var progress: Double?
    /// Milliseconds; nil keeps what the record has.
    public var processingTime: Int64?
    /// What the backend says as imagesCount; nil keeps what the record has.
    public var imagesCount: Int?
    /// Counted failures, where this end is one of them.
    var failures: Int?

    /// Describes an end.
    public init(
        code: StatusCode, errorMessage: String? = nil, progress: Double? = nil, processingTime: Int64? = nil,
        imagesCount: Int? = nil
    ) {
        self.code = code
        self.errorMessage = errorMessage
        self.progress = progress
        self.processingTime = processingTime
        self.imagesCount = imagesCount
    }

    /// An end at the owner's wish: NodeODM shows a processing time of −1 then (contract 3.2).
    static func canceled() -> TaskEnd { TaskEnd(code: .canceled, processingTime: -1) }

    /// The state that the code means.
    var state: TaskState {
        switch code {
        case .completed: .completed
        case .canceled: .canceled
        case .failed, .queued, .running: .failed
        }
    }
}

/// Whom to tell of a task's end beside the task's own webhook, and with what.
public struct WebhookPolicy: Sendable, Equatable {
    /// The node-wide webhook; nil without one.
    public var nodeWideURL: String?
    /// What to post; nil: the sender builds it from the record.
    public var payload: String?

    /// Describes whom to tell.
    public init(nodeWideURL: String? = nil, payload: String? = nil) {
        self.nodeWideURL = nodeWideURL
        self.payload = payload
    }
}
