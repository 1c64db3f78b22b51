public import Model
internal import SQL

/// What the janitor looks for.
extension TaskStore {
    /// Uploads without a commit whose last data is older than that, oldest first.
    public func staleUploads(lastDataBefore: Timestamp, limit: Int = 100) async throws(RecordError) -> [TaskID] {
        try await ids(SQLText.stale(SQLValue(lastDataBefore), SQLValue(limit)))
    }

    /// Ended tasks kept since before that moment, whose inputs are still in storage: also those half done.
    public func inputsToRemove(keptFromBefore: Timestamp, limit: Int = 100) async throws(RecordError) -> [TaskID] {
        try await ids(SQLText.inputs(SQLValue(keptFromBefore), SQLValue(limit)))
    }

    /// Ended tasks kept since before that moment: to be given to `expire`.
    public func expired(keptFromBefore: Timestamp, limit: Int = 100) async throws(RecordError) -> [TaskID] {
        try await ids(SQLText.expired(SQLValue(keptFromBefore), SQLValue(limit)))
    }

    /// When the oldest of each kind came to where its retention begins; nil where there is none.
    public struct Oldest: Sendable, Equatable {
        /// The last data of an upload without a commit.
        public var upload: Timestamp?
        /// From when an ended task is kept whose inputs are still in storage.
        public var inputs: Timestamp?
        /// From when an ended task is kept.
        public var task: Timestamp?
        /// Every part is given.
        public init(upload: Timestamp? = nil, inputs: Timestamp? = nil, task: Timestamp? = nil) {
            self.upload = upload
            self.inputs = inputs
            self.task = task
        }
    }

    /// What tells when the janitor has something to do next.
    public func oldest() async throws(RecordError) -> Oldest {
        let found = try await rows(of: SQLText.oldest()) { row in
            var reader = RowReader(row)
            return Oldest(
                upload: try reader.timeIfPresent(), inputs: try reader.timeIfPresent(),
                task: try reader.timeIfPresent())
        }
        return found.first ?? Oldest()
    }

    /// Whether the record knows any stored file.
    public func hasFiles() async throws(RecordError) -> Bool {
        try await !rows(of: SQLText.anyFile()) { _ in true }.isEmpty
    }

    /// Gives a task's inputs up, before they are deleted: from now on no restart relies on them.
    /// - Returns: the files to delete from storage; nil if the task was restarted or downloaded meanwhile.
    public func expireInputs(
        of task: TaskID, keptFromBefore before: Timestamp, at: Timestamp
    ) async throws(RecordError) -> [InputFile]? {
        try await guardedTransition(at: at, or: nil) { transition in
            guard let record = try await transition.lock(task), record.state.isFinal, record.intent == .none,
                let keptFrom = record.keptFrom, keptFrom < before
            else { throw GuardFailed() }
            if record.inputsExpiredAt == nil {
                try await transition.change(SQLText.expireInputs(SQLValue(task), SQLValue(at)))
                try await transition.tell(.inputsExpired, of: task)
            }
            return try await transition.files(of: task)
        }
    }

    /// A task's inputs are gone from storage.
    public func inputsRemoved(_ task: TaskID, at: Timestamp) async throws(RecordError) -> Bool {
        try await guardedTransition(at: at) { transition in
            guard let record = try await transition.lock(task), record.inputsExpiredAt != nil else {
                throw GuardFailed()
            }
            try await transition.change(SQLText.inputsRemoved(SQLValue(task), SQLValue(at)))
            try await transition.session.execute(SQLText.forgetFiles(SQLValue(task)))
        }
    }

    /// A client downloads the results: retention counts from now.
    public func noteDownload(_ task: TaskID, at: Timestamp) async throws(RecordError) {
        try await execute(SQLText.download(SQLValue(task), SQLValue(at)))
    }

    /// The owner no longer holds what an attempt left there: purged, or seen to be gone.
    public func noteCopyGone(_ key: AttemptKey, reason: String, at: Timestamp) async throws(RecordError) -> Bool {
        try await guardedTransition(at: at) { transition in
            guard try await transition.lock(key.task) != nil, let attempt = try await transition.attempt(key),
                !attempt.isLive, attempt.mayHaveCopy
            else { throw GuardFailed() }
            try await transition.forgetCopy(of: attempt)
            try await transition.tell(.resultsPurged, of: attempt, reason)
        }
    }

    private func ids(_ statement: BoundStatement) async throws(RecordError) -> [TaskID] {
        try await rows(of: statement) { row in
            var reader = RowReader(row)
            return try reader.task()
        }
    }

    private enum SQLText {
        static let stale = Statement(
            "task.stale",
            """
            SELECT spelling FROM tasks WHERE state = 'receiving' AND intent = 'none' AND data_at < $1
                AND NOT EXISTS (SELECT 1 FROM files WHERE files.task = tasks.id AND files.stored_at >= $1)
            ORDER BY data_at, id LIMIT $2
            """)
        static let oldest = Statement(
            "task.oldest",
            """
            SELECT
                (SELECT MIN(data_at) FROM tasks WHERE state = 'receiving' AND intent = 'none'),
                (SELECT MIN(kept_from) FROM tasks
                    WHERE kept_from IS NOT NULL AND inputs_removed_at IS NULL AND intent = 'none'),
                (SELECT MIN(kept_from) FROM tasks WHERE kept_from IS NOT NULL AND intent = 'none')
            """)
        static let anyFile = Statement("file.any", "SELECT 1 FROM files LIMIT 1")
        static let inputs = Statement(
            "task.inputs_due",
            """
            SELECT spelling FROM tasks
            WHERE kept_from IS NOT NULL AND inputs_removed_at IS NULL AND intent = 'none' AND kept_from < $1
            ORDER BY kept_from, id LIMIT $2
            """)
        static let expired = Statement(
            "task.expired",
            """
            SELECT spelling FROM tasks WHERE kept_from IS NOT NULL AND intent = 'none' AND kept_from < $1
            ORDER BY kept_from, id LIMIT $2
            """)
        static let expireInputs = Statement(
            "task.expire_inputs", "UPDATE tasks SET inputs_expired_at = $2 WHERE id = $1")
        static let inputsRemoved = Statement(
            "task.inputs_removed", "UPDATE tasks SET inputs_removed_at = $2 WHERE id = $1")
        static let forgetFiles = Statement("file.forget", "DELETE FROM files WHERE task = $1")
        static let download = Statement(
            "task.download", "UPDATE tasks SET kept_from = $2 WHERE id = $1 AND kept_from < $2 AND intent = 'none'")
    }
}
