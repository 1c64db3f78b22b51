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

    /// Counts what the task has.
    let tally: UploadTally

    /// The most that a request's body has beside its files: text fields, and the heads of many small parts.
    private static let overhead: Int64 = 8 << 20

    /// Prepares for the files of a request.
    /// - Parameters:
    ///   - id: an upload that is open, or about to be.
    ///   - body: refused before a byte of it is read where its announced length shows that it can't fit, even if it should
    ///     bring again what is there.
    /// - Throws: `refusedForGood`; `tryAgain` while the storage folder is wrong; the record's errors.
    func prepare(for id: TaskID, _ body: RequestBody) async throws {
        try health.check()
        if let length = body.contentLength, length - Self.overhead > tally.limit.bytes { throw taskTooLarge }
        guard tally.room(of: id) == nil else { return }
        tally.begin(id, bytes: try await store.files(of: id).reduce(0) { $0 + $1.size.bytes })
    }

    /// Receives a part to its end.
    /// - Parameters:
    ///   - part: has a file name.
    ///   - body: the request's, whose announced length bounds the part's.
    ///   - id: an upload that is open.
    ///   - caller: its owner.
    /// - Throws: `refused` for another field than `images`, `refusedForGood` for a file that is too large; storage's and the
    ///   record's errors.
    func receive(
        _ part: MultipartPart, of body: RequestBody, into id: TaskID, for caller: Caller
    ) async throws {
        guard part.name == "images" else { throw APIError.refused("Unexpected field") }
        let bound = min(fileLimit.bytes, body.contentLength ?? .max)
        let stored = try await self.store(part, atMost: bound, of: id, for: caller)
        let file = InputFile(
            name: SafeFileName(part.filename).string, size: stored.size, digest: stored.digest.hexadecimal,
            storageKey: stored.key)
        guard tally.reserve(file.size, for: id) else {
            try await drop(file, of: id)
            return
        }
        if try await !add(file, to: id, for: caller) { tally.release(file.size, of: id) }
    }

    /// A file for which there is no room may be one that is there, sent again after a lost answer: that needs none.
    private func drop(_ file: InputFile, of id: TaskID) async throws {
        try? await storage.remove(key: file.storageKey)
        // A second file of a name got underscores.
        let name = file.name.filter { $0 != "_" }
        let isThere = try await store.files(of: id).contains {
            $0.digest == file.digest && $0.name.filter { $0 != "_" } == name
        }
        guard isThere else { throw taskTooLarge }
    }

    private func store(
        _ part: MultipartPart, atMost bound: Int64, of id: TaskID, for caller: Caller
    ) async throws -> StoredObject {
        let writer = try await storage.write(key: Self.storageKey(of: id), atMost: bound)
        do {
            var size: Int64 = 0
            var room = tally.room(of: id) ?? tally.limit.bytes
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

    /// What is said of a task that is too large.
    static func tooLarge(_ limit: ByteCount) -> String {
        "The files of a task may have at most \(limit) together here."
    }

    private var taskTooLarge: APIError {
        .refusedForGood(Self.tooLarge(tally.limit))
    }

    /// - Returns: whether it is one more file, and no retry of one that is there.
    private func add(_ file: InputFile, to id: TaskID, for caller: Caller) async throws -> Bool {
        let outcome: AddFileOutcome
        do throws(RecordError) {
            outcome = try await store.addFile(file, to: id, for: caller.scope, at: now)
        } catch {
            // Where nobody knows whether the row is there, the object stays: the janitor finds it if it has no row.
            if !error.outcomeUnknown { try? await storage.remove(key: file.storageKey) }
            tally.forget(id)
            throw error
        }
        switch outcome {
        case .added, .renamed: return true
        case .alreadyThere:
            try? await storage.remove(key: file.storageKey)
            return false
        case .notReceiving:
            try? await storage.remove(key: file.storageKey)
            tally.forget(id)
            throw APIError.unknownUpload
        case .nameTooLong:
            try? await storage.remove(key: file.storageKey)
            tally.release(file.size, of: id)
            throw APIError.refused("\(file.name): too many files of this name")
        }
    }

    /// A key that no client has a say in: names of files live in the record alone.
    private static func storageKey(of id: TaskID) -> String {
        "\(id.key)/input/\(Hexadecimal.encode(RandomBytes.make(12)))"
    }
}
