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
    static func of(_ fields: ObjectStorageFields, attempt: Int, isAfterFence: Bool) -> S3URL {
        isAfterFence ? fields.output.folder("attempt-\(attempt)") : fields.output
    }

    /// Of a task whose files were uploaded: below the gateway's own bucket and prefix.
    static func ofUpload(_ task: TaskID, attempt: Int, in own: S3URL) -> S3URL {
        own.folder(task.key).folder("attempt-\(attempt)")
    }
}
