internal import Digests
internal import HTTPServer
internal import Model
internal import NodeODM
internal import Reactor
internal import Record
internal import Storage

/// Brings one uploaded file into storage while it streams in, and then into the record.
///
/// The object is durable before the record knows it, so a file that was answered is there for good, and one that was cut off
/// leaves nothing.
struct UploadReceiver: Sendable {
    let storage: any ObjectStore
    let store: TaskStore
    let clock: any WorldClock
    let health: StorageHealth
    /// Bytes of one file at most.
    let fileLimit: ByteCount

    /// Bytes of all of a task's files at most.
    let taskLimit: ByteCount

    /// The most that a request's body has beside its files: text fields, and the heads of many small parts.
    private static let overhead: Int64 = 8 << 20

    /// How much a request may bring.
    /// - Parameters:
    ///   - stored: the size of the task's files so far.
    ///   - body: refused before a byte of it is read where its announced length shows that it can't fit, even if it should
    ///     bring again what is there.
    /// - Returns: bytes.
    /// - Throws: `refusedForGood`; `tryAgain` while the storage folder is wrong.
    func room(beside stored: ByteCount, for body: RequestBody) throws(APIError) -> Int64 {
        try health.check()
        if let length = body.contentLength, length - Self.overhead > taskLimit.bytes { throw taskTooLarge }
        return max(0, taskLimit.bytes - stored.bytes)
    }

    /// Receives a part to its end.
    /// - Parameters:
    ///   - part: has a file name.
    ///   - id: an upload that is open.
    ///   - caller: its owner.
    ///   - room: bytes that the task may still have; less by this file afterwards.
    /// - Throws: `refused` for another field than `images`, `refusedForGood` for a file that is too large; storage's and the
    ///   record's errors.
    func receive(
        _ part: MultipartPart, into id: TaskID, for caller: Caller, within room: inout Int64
    ) async throws {
        guard part.name == "images" else { throw APIError.refused("Unexpected field") }
        let stored = try await self.store(part, of: id, for: caller, within: room)
        let file = InputFile(
            name: SafeFileName(part.filename).string, size: stored.size, digest: stored.digest.hexadecimal,
            storageKey: stored.key)
        if try await add(file, to: id, for: caller) { room -= file.size.bytes }
    }

    private func store(
        _ part: MultipartPart, of id: TaskID, for caller: Caller, within room: Int64
    ) async throws -> StoredObject {
        let writer = try await storage.write(key: Self.storageKey(of: id))
        do {
            var size: Int64 = 0
            var room = room
            var touched = clock.monotonic()
            while let bytes = try await part.next() {
                size += Int64(bytes.count)
                guard size <= fileLimit.bytes else {
                    throw APIError.refusedForGood("A file may have at most \(fileLimit) here.")
                }
                if size > room { room = try await roomForRetry(of: id) }
                guard size <= room else { throw taskTooLarge }
                try await writer.append(bytes)
                guard clock.monotonic() - touched > Self.touchEvery else { continue }
                touched = clock.monotonic()
                _ = try? await store.touch(id, for: caller.scope, at: now)
            }
            return try await writer.finish()
        } catch {
            await writer.abort()
            throw error
        }
    }

    /// An upload isn't stale while a large file of it comes in.
    private static let touchEvery = Duration.seconds(60)
    private var now: Timestamp { clock.timestamp }

    /// A file that is sent again after a lost answer needs no room: which it is shows at its end, by its digest.
    private func roomForRetry(of id: TaskID) async throws(RecordError) -> Int64 {
        try await store.files(of: id).map(\.size.bytes).max() ?? 0
    }

    private var taskTooLarge: APIError {
        .refusedForGood("The files of a task may have at most \(taskLimit) together here.")
    }

    /// - Returns: whether it is one more file, and no retry of one that is there.
    private func add(_ file: InputFile, to id: TaskID, for caller: Caller) async throws -> Bool {
        let outcome: AddFileOutcome
        do throws(RecordError) {
            outcome = try await store.addFile(file, to: id, for: caller.scope, limit: taskLimit, at: now)
        } catch {
            // Where nobody knows whether the row is there, the object stays: the janitor finds it if it has no row.
            if !error.outcomeUnknown { try? await storage.remove(key: file.storageKey) }
            throw error
        }
        switch outcome {
        case .added, .renamed: return true
        case .alreadyThere:
            try? await storage.remove(key: file.storageKey)
            return false
        case .taskTooLarge:
            try? await storage.remove(key: file.storageKey)
            throw taskTooLarge
        case .notReceiving:
            try? await storage.remove(key: file.storageKey)
            throw APIError.unknownUpload
        case .nameTooLong:
            try? await storage.remove(key: file.storageKey)
            throw APIError.refused("\(file.name): too many files of this name")
        }
    }

    /// A key that no client has a say in: names of files live in the record alone.
    private static func storageKey(of id: TaskID) -> String {
        "\(id.key)/input/\(Hexadecimal.encode(RandomBytes.make(12)))"
    }
}
