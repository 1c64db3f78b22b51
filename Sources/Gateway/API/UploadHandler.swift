internal import HTTPServer
internal import HTTPTypes
internal import Model
internal import Reactor
internal import Record

/// POST /task/new/upload/{uuid}: files of an open upload.
struct UploadHandler: Sendable {
    let receiver: UploadReceiver
    let store: TaskStore
    let clock: any WorldClock

    func handle(_ call: APICall, _ body: RequestBody) async throws -> APIReply {
        guard let text = call.taskText, let id = TaskID(text) else { throw APIError.unknownUpload }
        let now = clock.timestamp
        // Asked before the body is read, so that who may not upload doesn't.
        guard try await store.touch(id, for: call.caller.scope, at: now) else { throw APIError.unknownUpload }
        try await receiver.prepare(for: id, body)
        var files = 0
        _ = try await TaskFormReader.read(call.request, body) { part in
            try await receiver.receive(part, of: body, into: id, for: call.caller)
            files += 1
        }
        guard files > 0 else { throw APIError.refusedForGood("Need at least 1 file.") }
        return .success
    }
}
