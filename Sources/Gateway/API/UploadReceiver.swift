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
    /// Bytes of one file at most.
    let fileLimit: ByteCount

    /// Receives a part to its end.
    /// - Parameters:
    ///   - part: has a file name.
    ///   - id: an upload that is open.
    ///   - caller: its owner.
    /// - Returns: the size of the file.
    /// - Throws: `refused` for another field than `images`, or a file that is too large; storage's and the record's errors.
    func receive(_ part: MultipartPart, into id: TaskID, for caller: Caller) async throws -> ByteCount {
        guard part.name == "images" else { throw APIError.refused("Unexpected field") }
        let stored = try await self.store(part, under: Self.storageKey(of: id))
        let file = InputFile(
            name: SafeFileName(part.filename).string, size: stored.size, digest: stored.digest.hexadecimal,
            storageKey: stored.key)
        try await add(file, to: id, for: caller)
        return file.size
    }

    private func store(_ part: MultipartPart, under key: String) async throws -> StoredObject {
        let writer = try await storage.write(key: key)
        do {
            var size: Int64 = 0
            while let bytes = try await part.next() {
                size += Int64(bytes.count)
                guard size <= fileLimit.bytes else {
                    throw APIError.refused("A file may have at most \(fileLimit) here.")
                }
                try await writer.append(bytes)
            }
            return try await writer.finish()
        } catch {
            await writer.abort()
            throw error
        }
    }

    private func add(_ file: InputFile, to id: TaskID, for caller: Caller) async throws {
        let now = clock.timestamp
        let outcome: AddFileOutcome
        do throws(RecordError) {
            outcome = try await store.addFile(file, to: id, for: caller.scope, at: now)
        } catch {
            // Where nobody knows whether the row is there, the object stays: the janitor finds it if it has no row.
            if !error.outcomeUnknown { try? await storage.remove(key: file.storageKey) }
            throw error
        }
        switch outcome {
        case .added, .renamed: return
        case .alreadyThere: try? await storage.remove(key: file.storageKey)
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
