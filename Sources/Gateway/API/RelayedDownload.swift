internal import Backends
internal import HTTPRelay
internal import HTTPServer
internal import HTTPTypes
internal import Model
internal import Reactor

/// A download from a backend that wakes no task, as long as nothing but the backend has to be waited for; lives on its client's loop.
/// `@exclusivity(unchecked)`: see docs/decisions/0008-unchecked-on-the-loop.md.
final class RelayedDownload: RelayedAnswer, ExchangeOwner {
    private let handler: DownloadHandler
    private let call: APICall
    private let task: TaskID
    private let owner: Attempt
    private let source: DownloadSource
    private let keptFrom: Timestamp?
    private let origin: CrossOrigin
    @exclusivity(unchecked) private var notes: ExchangeNotes?
    @exclusivity(unchecked) private var whenStopped: ((RelayEnd?) -> Void)?
    @exclusivity(unchecked) private var begun: UpstreamDirectory.Begun?

    /// A download that has not begun.
    /// - Parameters:
    ///   - handler: sees to what goes wrong.
    ///   - call: the client's.
    ///   - task: which it asks for.
    ///   - owner: the attempt with the results.
    ///   - source: where they are.
    ///   - keptFrom: from when the task is kept, as far as memory knows.
    ///   - origin: marks the answer for browsers.
    init(
        _ handler: DownloadHandler, _ call: APICall, _ task: TaskID, of owner: Attempt, from source: DownloadSource,
        keptFrom: Timestamp?, origin: CrossOrigin
    ) {
        self.handler = handler
        self.call = call
        self.task = task
        self.owner = owner
        self.source = source
        self.keptFrom = keptFrom
        self.origin = origin
    }

    func begin(
        for client: StreamSocket, _ notes: ExchangeNotes, whenStopped: @escaping (RelayEnd?) -> Void
    ) -> Bool {
        let request = handler.upstreamRequest(keepingAlive: call.request, to: source, notes)
        guard
            let begun = handler.upstreams.begin(
                request, to: source, of: owner.backend, client: client, owner: self)
        else { return false }
        (self.begun, self.notes, self.whenStopped) = (begun, notes, whenStopped)
        handler.notes.downloaded(task, keptFrom: keptFrom, on: client.loop)
        return true
    }

    func rewrite(_ head: HTTPResponse) throws(RelayError) -> HTTPResponse {
        let shown = try DownloadHandler.shown(head, to: call, origin: origin)
        notes?.status = Int(head.status.code)
        return shown
    }

    func exchangeStopped(_ end: RelayEnd?) {
        if end != nil { begun?.isOver(nil) }
        notes?.bytesOut = begun?.exchange.bodyBytesSent ?? 0
        whenStopped.take()?(end)
    }

    func finish() async throws -> RelayEnd {
        whenStopped = nil
        guard let begun else { return .close }
        defer { notes?.bytesOut = begun.exchange.bodyBytesSent }
        do throws(RelayError) { return try await begun.finish(for: self) } catch {
            return try await handler.brokenOff(error, call, of: owner, from: source, on: begun.exchange.loop)
        }
    }
}
