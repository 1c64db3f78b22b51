internal import Record
internal import Storage

/// Whose storage it is: it carries an id that the record knows, so that files of another installation are never taken for
/// ours (rules: *Mirror and replicas*).
struct StorageClaim: Sendable {
    let storage: any ObjectStore
    let record: RoutingRecord
    /// What messages call the storage.
    let name: String

    /// Compares the ids, and writes one where there is none yet.
    ///
    /// A storage that lacks it is taken only while the record knows no files.
    /// - Returns: the id.
    /// - Throws: `StartError` for the storage of another installation; what storage and record throw.
    func establish() async throws -> String {
        try await storage.prepare()
        let known = try await record.installation.storageID()
        let found = try await storage.identity()
        let isNew = found == nil ? try await !record.tasks.hasFiles() : false
        if let known, found != known, !isNew {
            throw StartError("The storage \(name) isn't the one that the record was made with.")
        }
        let id = try await storage.establishIdentity(known ?? record.installationID)
        if known == nil { try await record.installation.setStorageID(id) }
        return id
    }
}
