public import Model
public import Storage

/// Where the inputs of a task are read that aren't in the gateway's own storage.
public protocol InputSource: Sendable {
    /// Lists the inputs, each with the name that it gets in the dataset.
    /// - Throws: `.unreachable` and the like while nobody can tell; anything else is the task's own trouble.
    func inputs() async throws(StorageError) -> [InputFile]
    /// Opens an input.
    /// - Parameter file: its `storageKey` says what it is there, its `digest` which content it had when it was listed.
    /// - Returns: its bytes, from the first one on.
    /// - Throws: `.changed` where it is another content now.
    func open(_ file: InputFile) async throws(StorageError) -> any ObjectReader
}
