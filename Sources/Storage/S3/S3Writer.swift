import Digests
import HTTPClient
import Model
import Reactor

/// Writes one object of an `S3Store` while it arrives: small ones in one request, others part by part.
///
/// While a part is on its way the next one is gathered, where the budget has a second buffer; else the bytes, and so the
/// client, wait. Nothing is kept on disk.
final class S3Writer: ObjectWriter {
    private let place: S3Reader.Place
    private let key: String
    private let owner: String
    private let budget: S3BufferBudget
    /// nil once the object has ended, one way or the other.
    private var claim: S3OpenKeys.Claim?
    /// How much may come.
    private let limit: Int64
    /// Whether one buffer holds all that may come, which then goes in one request.
    private let isSmall: Bool

    private var hash = SHA256()
    private var partHash = SHA256()
    private let hashesParts: Bool
    private var size: Int64 = 0
    private var buffer: S3PartBuffer?
    private var uploadID: String?
    private var parts: [S3Client.Part] = []
    private var inFlight: Task<Result<S3Client.Part, StorageError>, Never>?

    private static let maximumParts = 10_000
    /// What is known to be so small goes in one request.
    static let smallObject: Int64 = 8 << 20

    /// A writer that holds its key, and nothing else yet.
    init(
        _ place: S3Reader.Place, key: StorageKey, claim: S3OpenKeys.Claim, budget: S3BufferBudget, limit: Int64
    ) {
        self.place = place
        self.key = key.text
        owner = key.folders.first ?? key.text
        self.claim = claim
        self.budget = budget
        self.limit = limit
        isSmall = limit <= min(Self.smallObject, Int64(budget.total))
        hashesParts = !place.client.configuration.endpoint.isSecure
    }

    deinit { inFlight?.cancel() }

    func append(_ bytes: UnsafeRawBufferPointer) async throws(StorageError) {
        try await append(bytes.count) { buffer, start in
            keep(UnsafeRawBufferPointer(rebasing: bytes[start...]), in: buffer)
        }
    }

    func append(contentsOf bytes: [UInt8]) async throws(StorageError) {
        try await append(bytes.count) { buffer, start in
            bytes.withUnsafeBytes { keep(UnsafeRawBufferPointer(rebasing: $0[start...]), in: buffer) }
        }
    }

    /// Takes so many bytes, from each place on as many as fit into a buffer.
    private func append(
        _ count: Int, _ take: (S3PartBuffer, _ start: Int) -> Int
    ) async throws(StorageError) {
        guard claim != nil else { throw ended }
        do throws(StorageError) {
            guard Int64(count) <= limit - size else {
                throw StorageError(.tooLarge, "\(key) has more than the \(limit) bytes that were announced")
            }
            var taken = 0
            while taken < count {
                taken += take(try await currentBuffer(), taken)
                if buffer?.isFull == true, !isSmall { try await sendPart() }
            }
        } catch {
            await discard()
            throw error
        }
    }

    private func keep(_ bytes: UnsafeRawBufferPointer, in buffer: S3PartBuffer) -> Int {
        let taken = buffer.take(bytes)
        let piece = UnsafeRawBufferPointer(rebasing: bytes[..<taken])
        hash.update(piece)
        if hashesParts { partHash.update(piece) }
        size += Int64(taken)
        return taken
    }

    func finish() async throws(StorageError) -> StoredObject {
        guard let claim else { throw ended }
        do throws(StorageError) {
            guard claim.holds else { throw StorageError(.notFound, "\(key) was removed while it was written") }
            let digest = hash.finish()
            if uploadID == nil { try await sendWhole(digest) } else { try await complete() }
            self.claim = nil
            return StoredObject(key: key, size: ByteCount(size), digest: digest)
        } catch {
            await discard()
            throw error
        }
    }

    func abort() async {
        guard claim != nil else { return }
        await discard()
    }

    // MARK: Parts

    private func currentBuffer() async throws(StorageError) -> S3PartBuffer {
        if let buffer { return buffer }
        let number = parts.count + (inFlight == nil ? 1 : 2)
        let wanted = isSmall ? Int(max(1, limit)) : budget.partSize(number)
        // Only one that holds no buffer may wait for one: two that wait for each other's would wait for ever.
        if inFlight != nil, let second = budget.reserveAtOnce(wanted, for: owner) {
            let made = try S3PartBuffer(second)
            buffer = made
            return made
        }
        try await settle()
        let made = try S3PartBuffer(try await budget.reserve(wanted, for: owner))
        buffer = made
        return made
    }

    private func sendPart() async throws(StorageError) {
        guard let full = buffer else { return }
        let digest = hashesParts ? partHash.finish() : nil
        let id = try await startedUpload()
        try await settle()
        buffer = nil
        let number = parts.count + 1
        guard number <= Self.maximumParts else {
            throw StorageError(.tooLarge, "\(key) is larger than an object can be: \(ByteCount(size)) in 10,000 parts")
        }
        // A task of its own, owned by this writer: it goes on while the caller brings more bytes.
        inFlight = Task(executorPreference: place.client.client.loop) { [place] in
            do throws(StorageError) {
                return .success(
                    try await place.client.uploadPart(
                        bucket: place.bucket, key: place.key, id: id, number: number, full, digest: digest))
            } catch {
                return .failure(error)
            }
        }
    }

    private func startedUpload() async throws(StorageError) -> String {
        if let uploadID { return uploadID }
        let id = try await place.client.createUpload(bucket: place.bucket, key: place.key)
        uploadID = id
        return id
    }

    /// Waits for the part that is on its way.
    private func settle() async throws(StorageError) {
        guard let sending = inFlight else { return }
        let outcome = await withTaskCancellationHandler {
            await sending.value
        } onCancel: {
            sending.cancel()
        }
        inFlight = nil
        parts.append(try outcome.get())
    }

    // MARK: Ends

    private func sendWhole(_ digest: SHA256Digest) async throws(StorageError) {
        let payload = buffer.map { $0.count == 0 ? .none : S3Payload.part($0, digest) } ?? .none
        _ = try await place.client.put(bucket: place.bucket, key: place.key, payload)
        buffer = nil
    }

    private func complete() async throws(StorageError) {
        if buffer.map({ $0.count > 0 }) ?? false { try await sendPart() }
        buffer = nil
        try await settle()
        guard let id = uploadID else { return }
        do throws(StorageError) {
            try await place.client.completeUpload(bucket: place.bucket, key: place.key, id: id, parts)
        } catch {
            // An earlier try may have been carried out without its answer reaching us: then the upload is gone, and the
            // object there.
            guard error.code == .notFound, try await isStored() else { throw error }
        }
        uploadID = nil
    }

    private func isStored() async throws(StorageError) -> Bool {
        do throws(StorageError) {
            return try await place.client.head(bucket: place.bucket, key: place.key).size == ByteCount(size)
        } catch {
            if error.code == .notFound { return false }
            throw error
        }
    }

    /// Gives everything up. Runs to its end although the caller's task may be cancelled: parts that stay cost money.
    private func discard() async {
        buffer = nil
        claim = nil
        let (sending, id) = (inFlight.take(), uploadID.take())
        sending?.cancel()
        _ = await sending?.value
        guard let id else { return }
        await Task(executorPreference: place.client.client.loop) { [place] in
            // What can't be aborted now is found by the sweep for unfinished uploads.
            try? await place.client.abortUpload(bucket: place.bucket, key: place.key, id: id)
        }.value
    }

    private var ended: StorageError {
        StorageError(.closed, "\(key) was finished, aborted or failed before")
    }
}
