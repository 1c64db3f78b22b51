internal import Backends
internal import Model
internal import NodeODM
internal import Record

/// The record, as a backend asks it about attempts whose workflows it may have lost.
struct AttemptRecords: WorkflowRecords {
    let store: TaskStore
    let backend: BackendName

    func recorded(_ workflow: BackendTaskID) async -> RecordedWorkflow? {
        guard let record = try? await store.record(on: backend, as: workflow), let attempt = record.attempt,
            let output = attempt.output
        else { return nil }
        return RecordedWorkflow(
            task: record.id, attempt: attempt.attempt.number, output: output,
            endpoint: ObjectStorageFields(recorded: record.objectStorage)?.endpoint)
    }
}
