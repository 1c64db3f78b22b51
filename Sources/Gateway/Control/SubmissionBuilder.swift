internal import Backends
internal import Model
internal import NodeODM
internal import Reactor
internal import Record
internal import Storage

/// Puts together what a backend is asked to run: the task as recorded, its options as that backend's engine knows them.
struct SubmissionBuilder: Sendable {
    let store: TaskStore
    let fleet: Fleet
    let buckets: ClientBuckets?
    let clock: any WorldClock

    /// What to send for an attempt.
    /// - Throws: `inputsUnreadable` where the record can't tell.
    func submission(of attempt: Attempt, to backend: any Backend) async throws(BackendError) -> TaskSubmission {
        let record = try await record(of: attempt, for: backend)
        let files: [InputFile]
        do throws(RecordError) { files = try await store.files(of: attempt.task) } catch {
            throw BackendError(
                .inputsUnreadable, backend: backend.name, "the record can't list the inputs: \(error.message)")
        }
        var submission = TaskSubmission(
            name: Self.tame(record.name), options: options(of: record, on: backend.name, isFresh: true),
            skipsPostProcessing: record.skipPostProcessing, outputs: record.outputs, dateCreated: record.dateCreated,
            inputs: files)
        if backend.worksInObjectStore {
            submission.objects = try await places(of: record, attempt, files, for: backend)
        } else {
            submission.source = try source(of: record, for: backend)
        }
        return submission
    }

    /// Where the images are, if that is a client's bucket.
    private func source(of record: TaskRecord, for backend: any Backend) throws(BackendError) -> (any InputSource)? {
        guard record.objectStorage != nil else { return nil }
        guard let fields = ObjectStorageFields(recorded: record.objectStorage) else {
            throw BackendError(.refused, backend: backend.name, "the record's word of its images can't be read")
        }
        guard let buckets else {
            throw BackendError(
                .refused, backend: backend.name, "its images are on s3, and storage.s3 isn't set any more")
        }
        let client: S3Client
        do throws(ObjectStorageRefusal) { client = try buckets.client(for: fields) } catch {
            throw BackendError(.refused, backend: backend.name, error.text)
        }
        let (store, clock) = (store, clock)
        return BucketSource(fields: fields, client: client) { found in
            guard found.images != record.images || found.bytes != record.bytes else { return }
            _ = try? await store.recount(record.id, images: found.images, bytes: found.bytes, at: clock.timestamp)
        }
    }

    /// A name for the backend: what a client wrote for display may hold anything (contract, item 26).
    private static func tame(_ name: String) -> String {
        let printable = name.unicodeScalars.map { $0.value < 32 || $0.value == 127 ? " " : $0 }
        var text = String.UnicodeScalarView()
        text.append(contentsOf: printable.prefix(250))
        return String(text)
    }

    /// The options of a restart in place.
    /// - Throws: `inputsUnreadable` where the record can't tell.
    func options(of attempt: Attempt, on backend: any Backend) async throws(BackendError) -> [TaskOption] {
        options(of: try await record(of: attempt, for: backend), on: backend.name, isFresh: false)
    }

    /// A fresh attempt begins with the images, whatever `rerun-from` says (rules: *Cancel, remove, restart*).
    private func options(of record: TaskRecord, on backend: BackendName, isFresh: Bool) -> [TaskOption] {
        let rules = OptionCatalog.ValidationRules(skipPostProcessing: record.skipPostProcessing)
        let valid = (try? fleet.catalog.validate(optionsText: record.options, rules: rules).get()) ?? []
        let known = (fleet.member(backend)?.catalog ?? .engine360).filter(valid)
        return isFresh ? known.filter { $0.name != "rerun-from" } : known
    }

    private func record(of attempt: Attempt, for backend: any Backend) async throws(BackendError) -> TaskRecord {
        let found: TaskRecord?
        do throws(RecordError) { found = try await store.record(of: attempt.task) } catch {
            throw BackendError(.inputsUnreadable, backend: backend.name, "the record can't be read: \(error.message)")
        }
        guard let found else {
            throw BackendError(.cancelled, backend: backend.name, "the task was removed meanwhile")
        }
        return found
    }
}
