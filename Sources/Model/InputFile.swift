/// One stored file of a task's inputs.
public struct InputFile: Sendable, Equatable {
    /// Its name in the dataset: a base name, unique within the task.
    public var name: String
    /// Its size.
    public var size: ByteCount
    /// SHA-256 of its content in hexadecimal: tells a retried upload from another file of the same name.
    public var digest: String
    /// Where the object store keeps it.
    public var storageKey: String

    /// Every part is given.
    public init(name: String, size: ByteCount, digest: String, storageKey: String) {
        self.name = name
        self.size = size
        self.digest = digest
        self.storageKey = storageKey
    }

    /// Whether NodeODM counts it as an image: everything but `*.txt`, `align.las|laz|tif` and `*.zip` (contract 3.2).
    public var isImage: Bool {
        let lower = name.lowercased()
        if lower.hasSuffix(".txt") || lower.hasSuffix(".zip") { return false }
        return !Self.alignNames.contains(lower)
    }
}
