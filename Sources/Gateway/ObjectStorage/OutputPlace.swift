internal import Model
internal import NodeODM

/// Where an attempt's results go, for backends that work in object storage (architecture, Storage; rules, S3).
///
/// It is recorded with the attempt, and read from there: never made up a second time.
enum OutputPlace {
    /// Of a task whose images are its client's: the place that the client named, or beside its images.
    ///
    /// Two attempts write to one place only where the earlier ones are known ended. One that was fenced may write some day, so
    /// later ones go below.
    /// - Parameters:
    ///   - fields: of the task.
    ///   - attempt: 1, 2, 3, …
    ///   - isAfterFence: whether an earlier attempt of the task was fenced.
    ///   - task: goes below its own name, since another task's run has the place; nil where none has.
    /// - Returns: the place.
    static func of(
        _ fields: ObjectStorageFields, attempt: Int, isAfterFence: Bool, apartAs task: TaskID? = nil
    ) -> S3URL {
        let place = task.map { fields.output.folder($0.key) } ?? fields.output
        return isAfterFence ? place.folder("attempt-\(attempt)") : place
    }

    /// Of a task whose files were uploaded: below the gateway's own bucket and prefix.
    static func ofUpload(_ task: TaskID, attempt: Int, in own: S3URL) -> S3URL {
        own.folder(task.key).folder("attempt-\(attempt)")
    }
}
