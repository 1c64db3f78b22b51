internal import Backends
internal import Model
internal import NodeODM
internal import Record

/// Puts together what a backend is asked to run: the task as recorded, its options as that backend's engine knows them.
struct SubmissionBuilder: Sendable {
    let store: TaskStore
    let fleet: Fleet

    /// What to send for an attempt.
    /// - Throws: `inputsUnreadable` where the record can't tell.
    func submission(of attempt: Attempt, to backend: any Backend) async throws(BackendError) -> TaskSubmission {
        let record = try await record(of: attempt, for: backend)
        let files: [InputFile]
        do throws(RecordError) { files = try await store.files(of: attempt.task) } catch {
            throw BackendError(
                .inputsUnreadable, backend: backend.name, "the record can't list the inputs: \(error.message)")
        }
        return TaskSubmission(
            name: Self.tame(record.name), options: options(of: record, on: backend.name, isFresh: true),
            skipsPostProcessing: record.skipPostProcessing, outputs: record.outputs, dateCreated: record.dateCreated,
            inputs: files)
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
