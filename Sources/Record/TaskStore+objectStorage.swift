public import Model
internal import SQL

/// Tasks whose images are in object storage.
extension TaskStore {
    /// What lies in a task's input place is counted anew, since its client may have changed it after the first count.
    /// - Parameters:
    ///   - task: one that isn't over.
    ///   - images: how many are there now.
    ///   - bytes: of all that is wanted.
    ///   - at: now.
    /// - Returns: false where its images aren't in object storage, or it is over.
    /// - Throws: `RecordError`.
    public func recount(
        _ task: TaskID, images: Int, bytes: ByteCount, at: Timestamp
    ) async throws(RecordError) -> Bool {
        try await guardedTransition(at: at) { transition in
            guard let record = try await transition.lock(task), record.objectStorage != nil, !record.state.isFinal
            else {
                throw GuardFailed()
            }
            try await transition.change(SQLText.recount(SQLValue(task), SQLValue(images), SQLValue(bytes)))
        }
    }

    private enum SQLText {
        static let recount = Statement("task.recount", "UPDATE tasks SET images = $2, bytes = $3 WHERE id = $1")
    }
}
