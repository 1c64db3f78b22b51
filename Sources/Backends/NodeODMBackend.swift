internal import HTTPClient
public import Model
public import NodeODM
public import Storage

/// A plain NodeODM node, or a ClusterODM, driven by its own API.
public struct NodeODMBackend: Backend {
    /// As the inventory names it.
    public let name: BackendName
    private let client: NodeODMClient
    private let storage: any ObjectStore

    /// Requests that send one task's files at the same time, as PyODM's own clients do.
    private static let uploadConnections = 4

    /// A backend at an endpoint.
    /// - Parameters:
    ///   - name: as the inventory names it.
    ///   - client: asks the node.
    ///   - storage: where the inputs are.
    public init(name: BackendName, client: NodeODMClient, storage: any ObjectStore) {
        self.name = name
        self.client = client
        self.storage = storage
    }

    /// A plain NodeODM node.
    public var kind: BackendKind { .nodeodm }

    /// Reads /info.
    public func load() async throws(BackendError) -> BackendLoad {
        let info = try await asked { () throws(NodeODMError) in try await client.info() }
        return BackendLoad(
            slots: Int(clamping: info.maxParallelTasks ?? 1), unfinished: Int(clamping: info.taskQueueCount),
            maxImages: info.maxImages.map { Int(clamping: $0) }, engine: info.engine, engineVersion: info.engineVersion,
            apiVersion: info.version, isCluster: info.isClusterODM)
    }

    /// Reads /options.
    public func options() async throws(BackendError) -> OptionCatalog {
        try await asked { () throws(NodeODMError) in try await client.options() }
    }

    /// Opens an upload area under the attempt's identity and sends the files, several at a time.
    public func stage(_ attempt: Attempt, _ submission: TaskSubmission) async throws(BackendError) {
        let files = try await inputs(of: submission)
        _ = try await asked { () throws(NodeODMError) in
            try await client.initTask(setUUID: attempt.backendTask, Self.fields(of: submission))
        }
        do {
            try await uploadAll(files, of: submission, to: attempt.backendTask)
        } catch let error as BackendError {
            throw error
        } catch {
            throw BackendError(.cancelled, backend: name, "the transfer was stopped")
        }
    }

    /// What is to be sent. A place of a client in which nothing can be found is no trouble of this node's, but of the task's.
    private func inputs(of submission: TaskSubmission) async throws(BackendError) -> [InputFile] {
        guard let source = submission.source else { return submission.inputs }
        do throws(StorageError) { return try await source.inputs() } catch {
            switch error.code {
            case .cancelled: throw BackendError(.cancelled, backend: name, error.message)
            case .unreachable, .failed, .full: throw BackendError(.inputsUnreadable, backend: name, error.message)
            default: throw BackendError(.refused, backend: name, "the inputs can't be read: \(error.message)")
            }
        }
    }

    private static func fields(of submission: TaskSubmission) -> InitFields {
        var fields = InitFields(name: submission.name)
        fields.options = TaskOption.text(of: submission.options)
        fields.skipsPostProcessing = submission.skipsPostProcessing
        fields.outputs = submission.outputs
        fields.dateCreated = submission.dateCreated.milliseconds
        return fields
    }

    private func uploadAll(
        _ files: [InputFile], of submission: TaskSubmission, to task: BackendTaskID
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            var rest = files.makeIterator()
            for _ in 0..<Self.uploadConnections {
                guard let file = rest.next() else { break }
                group.addTask { try await upload(file, of: submission, to: task) }
            }
            while try await group.next() != nil {
                guard let file = rest.next() else { continue }
                group.addTask { try await upload(file, of: submission, to: task) }
            }
        }
    }

    private func upload(
        _ file: InputFile, of submission: TaskSubmission, to task: BackendTaskID
    ) async throws(BackendError) {
        let source =
            submission.source.map { StoredFileSource(file, from: $0) } ?? StoredFileSource(file, in: storage)
        let part = UploadFile(name: file.name, size: file.size.bytes, source: source)
        do throws(BackendError) {
            _ = try await asked { () throws(NodeODMError) in try await client.upload([part], to: task) }
        } catch {
            // What a client changes in its bucket meanwhile shows when that is listed anew.
            guard submission.source == nil, error.code == .inputsUnreadable, await isMissing(file) else { throw error }
            throw BackendError(
                .inputsMissing, backend: name,
                "\(file.name) is no longer in the gateway's storage; upload the task again")
        }
    }

    /// Whether the storage says so itself: one that is away has lost nothing.
    private func isMissing(_ file: InputFile) async -> Bool {
        do throws(StorageError) {
            _ = try await storage.size(key: file.storageKey)
            return false
        } catch {
            return error.code == .notFound
        }
    }

    /// Starts a staged attempt.
    @discardableResult
    public func commit(_ attempt: Attempt) async throws(BackendError) -> BackendTaskID {
        _ = try await asked { () throws(NodeODMError) in try await client.commit(attempt.backendTask) }
        return attempt.backendTask
    }

    /// Has the node delete an upload area by an init that it must refuse (rules: *Never twice*, b).
    ///
    /// The same set-uuid with options that are no JSON: the node refuses and deletes the area. `Invalid set-uuid` means that a
    /// commit had won.
    public func discard(_ attempt: Attempt) async throws(BackendError) -> DiscardOutcome {
        var fields = InitFields(name: "discarded")
        fields.options = "x"
        do throws(NodeODMError) {
            _ = try await client.initTask(setUUID: attempt.backendTask, fields)
            throw NodeODMError(.malformedAnswer, "the node took an init that it should refuse")
        } catch {
            switch error.code {
            case .refused: return .discarded
            case .identityRefused: return .wasAccepted
            default: throw BackendError(error, backend: name)
            }
        }
    }

    /// Reads a task's info.
    public func status(of task: BackendTaskID, outputFrom line: Int?) async throws(BackendError) -> TaskInfo {
        try await asked { () throws(NodeODMError) in try await client.taskInfo(of: task, outputFrom: line) }
    }

    /// Cancels a task.
    public func cancel(_ task: BackendTaskID) async throws(BackendError) {
        _ = try await asked { () throws(NodeODMError) in try await client.cancel(task) }
    }

    /// Removes a task.
    public func remove(_ task: BackendTaskID) async throws(BackendError) {
        _ = try await asked { () throws(NodeODMError) in try await client.remove(task) }
    }

    /// Restarts a task in place.
    public func restart(_ task: BackendTaskID, options: [TaskOption]?) async throws(BackendError) {
        _ = try await asked { () throws(NodeODMError) in try await client.restart(task, options: options) }
    }

    /// NodeODM knows one asset (contract 2.10).
    public func download(of task: BackendTaskID, asset: String) -> DownloadSource? {
        guard asset == "all.zip" else { return nil }
        let endpoint = client.endpoint
        return DownloadSource(
            isTLS: endpoint.isTLS, host: endpoint.host, port: endpoint.port,
            target: client.downloadTarget(of: task, asset: asset),
            tls: endpoint.isTLS ? client.tls : TLSOptions())
    }

    private func asked<Result>(
        _ call: () async throws(NodeODMError) -> Result
    ) async throws(BackendError) -> Result {
        do throws(NodeODMError) { return try await call() } catch { throw BackendError(error, backend: name) }
    }
}

extension BackendError {
    /// A node's failure in the words of all backends.
    init(_ error: NodeODMError, backend: BackendName) {
        let code: Code =
            switch error.code {
            case .notSent: .notSent
            case .outcomeUnknown: .outcomeUnknown
            case .refused: .refused
            case .busy: .busy
            case .unauthorized: .unauthorized
            case .unknownTask: .unknownTask
            case .uploadLost: .uploadLost
            case .identityRefused: .identityRefused
            case .malformedAnswer: .malformedAnswer
            case .inputsUnreadable: .inputsUnreadable
            case .cancelled: .cancelled
            }
        self.init(code, backend: backend, error.message)
    }
}
