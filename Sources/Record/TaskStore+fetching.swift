public import Model
internal import SQL

/// An http(s) `zipurl`: the gateway fetches the inputs of a task that is committed already.
///
/// A task that ends before its fetch did keeps the mark, so that a restart fetches anew instead of running on what there is.
extension TaskStore {
    /// The tasks whose inputs are still being fetched: what a start has to take up again.
    public func fetching() async throws(RecordError) -> [TaskRecord] {
        try await rows(of: SQLText.fetching()) { row in try TaskRecord(joined: row) }
    }

    /// Adds a fetched file; names are made unique as in an upload.
    public func addFetchedFile(
        _ file: InputFile, to task: TaskID, at: Timestamp
    ) async throws(RecordError) -> AddFileOutcome {
        try await transition(at: at) { transition in
            guard let record = try await transition.lock(task), record.isFetchingNow else { return .notReceiving }
            return try await transition.insert(file, into: task, fetched: true)
        }
    }

    /// Forgets the files that an earlier try fetched, and keeps those that the client uploaded.
    /// - Returns: the forgotten ones; their objects are to be removed.
    public func clearFetched(_ task: TaskID, at: Timestamp) async throws(RecordError) -> [InputFile] {
        try await transition(at: at) { transition in
            guard let record = try await transition.lock(task), record.isFetchingNow else { return [] }
            return try await transition.session.query(SQLText.clear(SQLValue(task))).map { try InputFile(row: $0) }
        }
    }

    /// All is fetched: the images are counted, and the task may be placed.
    /// - Returns: `.noFiles` (nothing changed) when there is nothing to process, `.unknown` when it isn't being fetched.
    public func finishFetch(_ task: TaskID, at: Timestamp) async throws(RecordError) -> CommitOutcome {
        try await transition(at: at) { transition in
            guard let record = try await transition.lock(task), record.isFetchingNow else { return .unknown }
            let files = try await transition.files(of: task)
            guard !files.isEmpty else { return .noFiles }
            let (images, bytes) = files.counted
            try await transition.change(
                SQLText.finish(
                    SQLValue(task), SQLValue(images), SQLValue(bytes), SQLValue(InputKinds(of: files).rawValue)))
            try await transition.tell(.fetched, of: task, "\(images) images, \(files.count) files, \(bytes)")
            return .committed(images: images, bytes: bytes)
        }
    }

    /// A try to fetch has failed.
    /// - Returns: how many have failed by now; nil if the task isn't being fetched any more.
    public func noteFetchFailure(
        _ task: TaskID, reason: String, at: Timestamp
    ) async throws(RecordError) -> Int? {
        try await transition(at: at) { transition in
            guard let record = try await transition.lock(task), record.isFetchingNow else { return nil }
            try await transition.change(SQLText.failure(SQLValue(task)))
            try await transition.tell(.fetchFailed, of: task, reason)
            return record.fetchFailures + 1
        }
    }

    private enum SQLText {
        static let fetching = Statement(
            "fetch.list",
            "\(TaskRecord.joined) WHERE tasks.fetching = 1 AND tasks.state = 'queued' AND tasks.intent = 'none' ORDER BY tasks.id"
        )
        static let clear = Statement(
            "fetch.clear",
            "DELETE FROM files WHERE task = $1 AND fetched = 1 RETURNING name, bytes, digest, storage_key")
        static let finish = Statement(
            "fetch.finish",
            """
            UPDATE tasks SET fetching = 0, images = $2, bytes = $3, input_kinds = $4
            WHERE id = $1 AND state = 'queued' AND fetching = 1
            """
        )
        static let failure = Statement(
            "fetch.failure",
            "UPDATE tasks SET fetch_failures = fetch_failures + 1 WHERE id = $1 AND state = 'queued' AND fetching = 1")
    }
}

extension TaskRecord {
    fileprivate var isFetchingNow: Bool { state == .queued && isFetching && intent == .none }
}
