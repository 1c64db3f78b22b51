public import Model

/// What an init says of a task.
public struct NewTask: Sendable, Equatable {
    /// The public identity, minted by the gateway or the client's `set-uuid`.
    public var id: TaskID
    /// The token's name; nil without one.
    public var owner: String?
    /// Never empty: the caller has put NodeODM's default in.
    public var name: String
    /// The options as sent: JSON text, an array of `{name, value}`.
    public var options: String
    /// Whether `skipPostProcessing` was `true`.
    public var skipPostProcessing: Bool
    /// Whom to tell of the task's end.
    public var webhook: String?
    /// The wanted results: JSON text, an array of paths; nil for the default set.
    public var outputs: String?
    /// Shown to clients; theirs, or the moment of the init.
    public var dateCreated: Timestamp
    /// Where the inputs are to be fetched from.
    public var zipURL: String?
    /// The token's priority: higher goes first.
    public var priority: Int
    /// Where the images are in object storage and what else was said of it: JSON text; nil for tasks with files of their own.
    public var objectStorage: String?
    /// What its history is to say of the init beside that there was one, such as what was left out; empty: nothing.
    public var remark = ""
    /// Images that were found there; those of files are counted at the commit.
    public var foundImages = 0
    /// Size of all that was found there.
    public var foundBytes: ByteCount = 0

    /// Only identity, name and time are needed.
    public init(
        id: TaskID, owner: String? = nil, name: String, options: String = "[]", skipPostProcessing: Bool = false,
        webhook: String? = nil, outputs: String? = nil, dateCreated: Timestamp, zipURL: String? = nil,
        objectStorage: String? = nil, priority: Int = 0
    ) {
        self.id = id
        self.owner = owner
        self.name = name
        self.options = options
        self.skipPostProcessing = skipPostProcessing
        self.webhook = webhook
        self.outputs = outputs
        self.dateCreated = dateCreated
        self.zipURL = zipURL
        self.objectStorage = objectStorage
        self.priority = priority
    }
}
