internal import HTTPClient
internal import HTTPTypes
internal import Model
internal import NodeODM
internal import Reactor

/// Talks to a gateway as any NodeODM client does; it works with a plain node, too.
struct GatewayClient: Sendable {
    let address: ServerAddress
    let loop: EventLoop
    private let node: NodeODMClient
    private let http: CurlClient

    /// Pauses between tries: together about what a gateway's restart takes.
    private static let pauses: [Duration] = [1, 2, 4, 8, 15, 15, 15].map { .seconds($0) }

    init(_ address: ServerAddress, _ program: ClientProgram) {
        self.address = address
        loop = program.loop
        http = program.http
        node = NodeODMClient(endpoint: address.endpoint, client: program.http)
    }

    // MARK: A new task

    /// Opens an upload under an identity of our choosing, so that an init without an answer can be sent again.
    /// - Returns: the task's uuid.
    func open(_ fields: InitFields) async throws -> BackendTaskID {
        let identity = BackendTaskID(TaskID(randomUUID: SystemRandomBits()).string)
        // A gateway that can't be reached at the very beginning isn't waited for.
        var wasReached = false
        var mayBeOpen = false
        return try await retrying("the task", isRetried: { Self.isPassing($0) && ($0.code != .notSent || wasReached) })
        {
            () async throws(NodeODMError) in
            do throws(NodeODMError) { return try await node.initTask(setUUID: identity, fields) } catch {
                if error.code == .identityRefused, mayBeOpen { return identity }
                wasReached = wasReached || error.code != .notSent
                if error.code == .outcomeUnknown { mayBeOpen = true }
                throw error
            }
        }
    }

    /// Sends one file; again, from its start, where the connection breaks. The gateway recognises what it has already.
    func upload(_ file: LocalFile, to task: BackendTaskID, progress: ProgressDisplay) async throws {
        try await retrying(file.name, progress, isRetried: Self.isPassing) { () async throws(NodeODMError) in
            let source = LocalFileSource(file, progress: progress)
            do throws(NodeODMError) {
                try await node.upload([UploadFile(name: file.name, size: file.size, source: source)], to: task)
            } catch {
                progress.advance(by: -source.given)
                throw error
            }
        }
    }

    /// Commits; a repeated commit starts nothing.
    func commit(_ task: BackendTaskID) async throws {
        try await retrying("the commit", isRetried: Self.isPassing) { () async throws(NodeODMError) in
            do throws(NodeODMError) { try await node.commit(task) } catch {
                // A plain node forgets an upload that was committed: then it knows the task.
                if error.code == .uploadLost, (try? await node.taskInfo(of: task)) != nil { return }
                throw error
            }
        }
    }

    // MARK: A task

    /// What the gateway says of a task.
    func info(of task: BackendTaskID) async throws(NodeODMError) -> TaskInfo { try await node.taskInfo(of: task) }

    /// The last lines of its console.
    func console(of task: BackendTaskID, last count: Int) async throws -> [String] {
        try await retrying("the console", isRetried: Self.isPassing) { () async throws(NodeODMError) in
            try await node.output(of: task, from: -count)
        }
    }

    /// Asks for its end.
    func cancel(_ task: BackendTaskID) async throws {
        try await retrying("the cancel", isRetried: Self.isPassing) { () async throws(NodeODMError) in
            try await node.cancel(task)
        }
    }

    /// Downloads an asset, bit by bit.
    /// - Parameters:
    ///   - asset: its path, such as `all.zip`.
    ///   - task: whose.
    ///   - fields: Range and If-Range, where a part is there already.
    ///   - body: gets the head and the bytes.
    /// - Throws: `HTTPClientError`, and what `body` throws.
    func download(
        _ asset: String, of task: BackendTaskID, fields: HTTPFields,
        _ body: (OutboundHead, BodyStream) async throws -> Void
    ) async throws {
        var bare = address.endpoint
        bare.basePath = ""
        // Each segment of an asset's path is encoded on its own.
        let segments = ["task", task.string, "download"] + asset.split(separator: "/").map(String.init)
        var request = OutboundRequest(.get, "\(bare)\(address.endpoint.target(segments))", fields: fields)
        request.timeouts.stall = .seconds(120)
        try await http.stream(request, body)
    }

    // MARK: Failures

    /// Whether the same again may succeed: nothing was wrong with what was asked.
    static func isPassing(_ error: NodeODMError) -> Bool {
        switch error.code {
        case .notSent, .outcomeUnknown, .busy, .malformedAnswer: true
        case .refused, .unauthorized, .unknownTask, .uploadLost, .identityRefused, .inputsUnreadable, .cancelled: false
        }
    }

    /// A failure as the user is told of it.
    func commandError(_ error: NodeODMError) -> any Error {
        switch error.code {
        case .notSent: address.silence(error.message)
        case .outcomeUnknown:
            CommandError(
                "the connection to \(address.endpoint) broke: \(error.message)", advice: "Try again in a moment.")
        case .unauthorized: address.wantsToken
        case .unknownTask: CommandError("\(error.message)", advice: "See which tasks there are: scaleodm tasks")
        case .busy, .malformedAnswer:
            CommandError("\(address.endpoint) is in trouble: \(error.message)", advice: "Try again in a moment.")
        case .refused: RefusedOptions.error(error.message) ?? CommandError(error.message)
        case .uploadLost, .identityRefused, .inputsUnreadable: CommandError(error.message)
        case .cancelled: CancellationError()
        }
    }

    /// Repeats a call while its failure passes, and says so.
    private func retrying<Result>(
        _ what: String, _ progress: ProgressDisplay? = nil, isRetried: (NodeODMError) -> Bool,
        _ call: () async throws(NodeODMError) -> Result
    ) async throws -> Result {
        for pause in Self.pauses {
            do throws(NodeODMError) { return try await call() } catch {
                guard isRetried(error) else { throw commandError(error) }
                let note = "\(what): \(error.message.printable); trying again in \(pause.shortText)"
                if let progress { progress.say(note) } else { Terminal.err("\(note)\n") }
            }
            try await loop.sleep(for: pause)
        }
        do throws(NodeODMError) { return try await call() } catch { throw commandError(error) }
    }
}
