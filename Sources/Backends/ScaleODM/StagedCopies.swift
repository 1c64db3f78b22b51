public import Model
public import Storage

/// Makes copies of uploaded files under their own names, inside the object store that holds them.
///
/// The gateway keeps files under names that no client has a say in; another ScaleODM knows a file by its name and extension.
public protocol StagedCopies: Sendable {
    /// Copies one file. Once more does no harm.
    /// - Parameters:
    ///   - file: of the gateway's own storage.
    ///   - place: where the copy is to be, under the file's name.
    /// - Throws: `notFound` where the file itself is gone.
    func copy(_ file: InputFile, into place: S3URL) async throws(StorageError)
}

extension S3Store: StagedCopies {
    /// Copies within the bucket; nothing of the file passes through the gateway.
    public func copy(_ file: InputFile, into place: S3URL) async throws(StorageError) {
        try await client.copy(
            bucket: bucket, key: try objectKey(file.storageKey), size: file.size.bytes, to: place.bucket,
            key: place.prefix + file.name)
    }
}
