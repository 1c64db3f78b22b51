internal import Digests
internal import HTTPClient
internal import HTTPTypes
internal import Model
internal import NodeODM
internal import Reactor
internal import Record
internal import Scheduling
internal import Storage

/// One try to fetch a task's inputs, from nothing to the last unpacked file.
///
/// The archive goes into the spool and its files into storage, each durable before the record knows it. Nothing counts before
/// `finish`, so a crash anywhere leaves only what the next try begins by removing.
struct FetchJob: Sendable {
    let task: TaskRecord
    let store: TaskStore
    let durable: Durable
    let clock: any WorldClock
    let client: CurlClient
    /// Holds the archive while it is unpacked.
    let spool: DirectoryStore
    /// Holds the unpacked files.
    let storage: any ObjectStore
    let rules: FetchRules

    /// Fetches.
    /// - Throws: `FetchError`.
    func run() async throws(FetchError) {
        do {
            try await Self.forget(task.id, store: store, durable: durable, clock: clock, spool: spool, storage: storage)
            try await download()
            try await unpack()
            try await spool.remove(prefix: Self.spoolPrefix(of: task.id))
            try await finish()
        } catch {
            throw Task.isCancelled ? FetchError(.cancelled, "the fetch was stopped") : FetchError(error)
        }
    }

    /// Removes what a try left: its files in storage and in the record, and the archive.
    static func forget(
        _ id: TaskID, store: TaskStore, durable: Durable, clock: any WorldClock, spool: DirectoryStore,
        storage: any ObjectStore
    ) async throws {
        _ = try await durable.run { () throws(RecordError) in try await store.clearFetched(id, at: clock.timestamp) }
        try await storage.remove(prefix: filesPrefix(of: id))
        try await spool.remove(prefix: spoolPrefix(of: id))
    }

    /// Where an archive is while it is unpacked.
    static func spoolPrefix(of id: TaskID) -> String { "\(id.key)/archive" }
    /// Where a task's fetched files are: apart from the uploaded ones, so that they can be forgotten without them.
    static func filesPrefix(of id: TaskID) -> String { "\(id.key)/fetched" }

    private var archiveKey: String { "\(Self.spoolPrefix(of: task.id))/zipurl.zip" }

    // MARK: The download

    private func download() async throws {
        var request = OutboundRequest(.get, task.zipURL ?? "")
        request.outboundGuard = rules.outboundGuard
        request.followRedirects = FetchRules.maxRedirects
        request.timeouts = .init(connect: .seconds(30), total: rules.timeout, stall: .seconds(60))
        let writer = try await spool.write(key: archiveKey)
        do {
            try await client.stream(request) { head, body in
                try check(head)
                try await receive(body, into: writer)
            }
            _ = try await writer.finish()
        } catch {
            await writer.abort()
            throw error
        }
    }

    private func check(_ head: OutboundHead) throws(FetchError) {
        guard head.status == 200 else {
            throw FetchError(.refused, "zipurl can't be fetched: its server answers \(head.status)")
        }
        guard let length = head.fields[.contentLength].flatMap({ Int64($0) }) else { return }
        guard length <= rules.maxSize.bytes else { throw tooLarge }
    }

    private func receive(_ body: BodyStream, into writer: any ObjectWriter) async throws {
        var size: Int64 = 0
        var beginning: [UInt8] = []
        while let bytes = try await body.next() {
            size += Int64(bytes.count)
            guard size <= rules.maxSize.bytes else { throw tooLarge }
            if beginning.count < Self.signature.count {
                beginning += bytes.prefix(Self.signature.count - beginning.count)
                try checkSignature(beginning)
            }
            try await writer.append(contentsOf: bytes)
        }
        guard beginning.count == Self.signature.count else { throw Self.notAnArchive }
    }

    private var tooLarge: FetchError {
        FetchError(.tooLarge, "What zipurl leads to is larger than \(rules.maxSize), the most that is fetched here")
    }

    /// A login page or an error page of 100 GiB isn't worth the way.
    private func checkSignature(_ beginning: [UInt8]) throws(FetchError) {
        guard beginning != Self.emptySignature else { throw Self.noFiles }
        guard Self.signature.starts(with: beginning) || Self.emptySignature.starts(with: beginning) else {
            throw Self.notAnArchive
        }
    }

    private static let signature: [UInt8] = [0x50, 0x4B, 0x03, 0x04]
    /// An archive without entries is its directory's end alone.
    private static let emptySignature: [UInt8] = [0x50, 0x4B, 0x05, 0x06]
    private static let notAnArchive = FetchError(.notAnArchive, "What zipurl leads to is no zip archive")
    private static let noFiles = FetchError(.noFiles, "The archive that zipurl leads to holds no files")

    // MARK: The archive

    private func unpack() async throws {
        let room = ByteCount(max(0, rules.taskLimit.bytes - task.bytes.bytes))
        let limits = ZipExtractor.Limits(bytes: min(rules.maxSize, room), entries: FetchRules.maxEntries)
        let archive = try await ZipExtractor.open(key: archiveKey, in: spool, limits: limits, named: "the archive")
        while let entry = try await archive.nextEntry() {
            try Task.checkCancellation()
            try Self.checkName(entry)
            if Self.isJunk(entry) { continue }
            try await store(entry, of: archive)
        }
    }

    /// The path isn't used, but an archive that tries this is none that a drone's owner made.
    private static func checkName(_ entry: ZipEntry) throws(FetchError) {
        let parts = entry.path.split(omittingEmptySubsequences: false) { $0 == "/" || $0 == "\\" }
        let isSafe =
            !parts.contains("..") && parts.first?.isEmpty == false && parts.first?.hasSuffix(":") == false
            && !entry.path.unicodeScalars.contains { $0.value < 32 || $0.value == 127 }
        guard isSafe else {
            throw FetchError(.unsafeName, "The archive that zipurl leads to holds a file with an unsafe path")
        }
    }

    /// What macOS and file managers add: `__MACOSX/._IMG_0001.JPG` would be counted, and fail, as an image.
    private static func isJunk(_ entry: ZipEntry) -> Bool {
        entry.baseName.hasPrefix(".") || entry.path.hasPrefix("__MACOSX/") || entry.path.contains("/__MACOSX/")
    }

    private func store(_ entry: ZipEntry, of archive: ZipExtractor) async throws {
        if let size = entry.claimedSize, size > rules.fileLimit { throw fileTooLarge }
        let key = "\(Self.filesPrefix(of: task.id))/\(Hexadecimal.encode(RandomBytes.make(12)))"
        let writer = try await storage.write(key: key)
        let stored: StoredObject
        do {
            var size: Int64 = 0
            while case let bytes = try await archive.read(), !bytes.isEmpty {
                try Task.checkCancellation()
                size += Int64(bytes.count)
                guard size <= rules.fileLimit.bytes else { throw fileTooLarge }
                try await writer.append(contentsOf: bytes)
            }
            stored = try await writer.finish()
        } catch {
            await writer.abort()
            throw error
        }
        try await record(stored, named: entry.baseName)
    }

    private var fileTooLarge: FetchError {
        FetchError(
            .tooLarge, "The archive that zipurl leads to holds a file of more than \(rules.fileLimit), the most here")
    }

    private func record(_ stored: StoredObject, named name: String) async throws {
        let file = InputFile(
            name: SafeFileName(name).string, size: stored.size, digest: stored.digest.hexadecimal,
            storageKey: stored.key)
        let (outcome, isUnsure) = try await durable.run { () throws(RecordError) in
            try await store.addFetchedFile(file, to: task.id, at: now)
        }
        switch outcome {
        case .added, .renamed: return
        // After a lost answer it may be this very object that is there.
        case .alreadyThere: if !isUnsure { try await storage.remove(key: stored.key) }
        case .nameTooLong:
            throw FetchError(.unsafeName, "The archive that zipurl leads to holds too many files named \(file.name)")
        case .notReceiving: throw FetchError(.cancelled, "the task isn't being fetched any more")
        }
    }

    // MARK: The end

    private func finish() async throws {
        let files = try await durable.run { () throws(RecordError) in try await store.files(of: task.id) }.result
        if let refusal = rules.images.refusal(of: files.count { $0.isImage }, by: task.owner) {
            throw FetchError(.tooManyImages, refusal)
        }
        let outcome = try await durable.run { () throws(RecordError) in
            try await store.finishFetch(task.id, at: now)
        }.result
        guard outcome != .noFiles else { throw Self.noFiles }
    }

    private var now: Timestamp { clock.timestamp }
}
