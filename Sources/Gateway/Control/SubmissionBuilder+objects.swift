internal import Backends
internal import Model
internal import NodeODM
internal import Record

/// What a backend that works in object storage is told of a task.
extension SubmissionBuilder {
    /// The places of a task's inputs and of an attempt's results.
    /// - Parameters:
    ///   - record: the task.
    ///   - attempt: its current one, whose output place was recorded when its backend was chosen.
    ///   - files: that were uploaded or fetched.
    ///   - backend: who is told.
    /// - Returns: what the backend is told.
    /// - Throws: `refused` where the record's word can't be used; `inputsUnreadable` for an attempt without a place.
    func places(
        of record: TaskRecord, _ attempt: Attempt, _ files: [InputFile], for backend: any Backend
    ) async throws(BackendError) -> ObjectSubmission {
        guard let current = record.attempt, current.attempt.number == attempt.number, let output = current.output
        else {
            throw BackendError(.inputsUnreadable, backend: backend.name, "the attempt has no place for its results")
        }
        var places =
            try record.objectStorage == nil
            ? ofUpload(record, files, output, for: backend) : ofClient(record, output, for: backend)
        places.memoryStep = try await memoryStep(of: record, for: backend)
        return places
    }

    private func ofClient(
        _ record: TaskRecord, _ output: S3URL, for backend: any Backend
    ) throws(BackendError) -> ObjectSubmission {
        guard let fields = ObjectStorageFields(recorded: record.objectStorage) else {
            throw BackendError(.refused, backend: backend.name, "the record's word of its images can't be read")
        }
        var places = ObjectSubmission(
            input: fields.input, selection: fields.selection, output: output,
            images: fields.holdsArchives ? 0 : record.images, bytes: record.bytes)
        places.endpoint = fields.endpoint
        places.region = fields.region
        places.engineImage = fields.engineImage
        places.capacity = fields.capacity.flatMap { WorkflowTask.Capacity(rawValue: $0.rawValue) }
        return places
    }

    /// Uploaded and fetched files lie in folders of their own; where a task has both, what lies beside those isn't wanted.
    private func ofUpload(
        _ record: TaskRecord, _ files: [InputFile], _ output: S3URL, for backend: any Backend
    ) throws(BackendError) -> ObjectSubmission {
        guard let own = buckets?.own else {
            throw BackendError(.inputsUnreadable, backend: backend.name, "storage.s3 isn't set any more")
        }
        let folders = Set(files.map { $0.storageKey.split(separator: "/").dropLast().joined(separator: "/") })
        let task = own.folder(record.id.key)
        var (input, selection) = (task, Self.wholeTask)
        if folders.count == 1, let folder = folders.first {
            guard let place = S3URL(bucket: own.bucket, prefix: own.prefix + folder) else {
                throw BackendError(.refused, backend: backend.name, "the inputs lie where no pod can read them")
            }
            (input, selection) = (place, .staged)
        }
        let hidesImages = files.contains { ["zipurl.zip", "seed.zip"].contains($0.name) }
        var places = ObjectSubmission(
            input: input, selection: selection, output: output, images: hidesImages ? 0 : record.images,
            bytes: record.bytes)
        for file in files {
            places.names[file.storageKey.split(separator: "/").last.map(String.init) ?? file.storageKey] = file.name
        }
        return places
    }

    private static let wholeTask = InputSelection(
        depth: 2, excludes: ["attempt-*/**", "archive/**", "task-*.json"], usesDefaultExcludes: false, takesAll: true)

    /// How often the task has run out of memory since it was sent or restarted.
    private func memoryStep(of record: TaskRecord, for backend: any Backend) async throws(BackendError) -> Int {
        do throws(RecordError) {
            return try await store.attempts(of: record.id).count { $0.ranOut(in: record) }
        } catch {
            throw BackendError(.inputsUnreadable, backend: backend.name, "the record can't be read: \(error.message)")
        }
    }
}

extension AttemptRecord {
    /// Whether it was given back for want of memory in the task's present run: a restart begins with the first size again.
    func ranOut(in task: TaskRecord) -> Bool {
        outcome == .outgrown && recordedAt >= task.queuedAt ?? task.createdAt
    }
}
