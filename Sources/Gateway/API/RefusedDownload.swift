internal import Backends
internal import HTTPTypes
internal import Model
internal import NodeODM
internal import Reactor

/// What a client is told where the owner of a finished task answers something else than its results.
///
/// A node tells of nearly every failure with status 200 and a JSON object (contract 1.1), under its own name of the task; so the
/// answer isn't passed on, and the node is asked what it knows.
struct RefusedDownload: Sendable {
    let lookup: TaskLookup
    let attempt: Attempt
    let loop: EventLoop
    /// What the client is told where the owner has the task.
    var whereKnown = APIError.refused("Asset not ready")
    /// What the client is told where the owner has forgotten it.
    var whereForgotten = RefusedDownload.purged

    /// Nodes remove what is finished, as a rule after two days.
    static let purged = APIError.refused(
        "The results of this task are gone: its node no longer has them. Restart the task, or upload it again.")

    /// The instance packs `all.zip` on the spot; its single results are in the object store, whatever it knows.
    static let unpacked = APIError.refused(
        "The ScaleODM that ran this task no longer knows it and can't pack all.zip. Its single results can still be fetched."
    )

    /// How long the owner may take to say whether it still has the task.
    private static let patience = Duration.seconds(5)

    /// Whether an answer isn't the asset that was asked for.
    static func isRefusal(_ head: HTTPResponse, of asset: String) -> Bool {
        let code = head.status.code
        // Conditions and ranges of the client's own that don't hold.
        if code == 412 || code == 416 { return false }
        if code >= 400 { return true }
        return code == 200 && isJSON(head.fields) && !asset.hasSuffix("json")
    }

    private static func isJSON(_ fields: HTTPFields) -> Bool {
        let type: StaticString = "application/json"
        return fields.withValue(of: .contentType) { value in
            value.count >= type.utf8CodeUnitCount
                && ASCII.spells(UnsafeBufferPointer(rebasing: value[..<type.utf8CodeUnitCount]), type)
        } ?? false
    }

    /// What the client is told.
    /// - Returns: `noAnswer` where the owner can't be asked now: any error would fail the client's task, and a broken connection
    ///   is retried.
    func reason() async -> APIError {
        guard let backend = lookup.fleet.backend(attempt.backend) else { return .noAnswer }
        let (task, clock) = (attempt.backendTask, lookup.clock)
        let answer = await TimeLimit.run(Self.patience, by: clock, on: loop) { () async -> Result<Void, BackendError> in
            do throws(BackendError) {
                _ = try await backend.status(of: task, outputFrom: nil)
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        switch answer {
        case .success: return whereKnown
        case .failure(let error) where error.code == .unknownTask:
            // Given up there since the download began, it is another's by now: asked again, the client gets it from that one.
            guard await lookup.isOwner(attempt) else { return .noAnswer }
            await lookup.notePurge(of: attempt)
            return whereForgotten
        case .failure, nil: return .noAnswer
        }
    }
}
