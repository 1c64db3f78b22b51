public import Model

/// One file of an archive.
public struct ZipEntry: Sendable, Equatable {
    /// As the archive spells it, folders included. Text of a stranger: never part of a path or key.
    public var path: String
    /// The last part of the path; never empty, `.` or `..`.
    public var baseName: String
    /// Its size as the archive claims it; nil where it doesn't say.
    public var claimedSize: ByteCount?

    /// Every part is given.
    public init(path: String, baseName: String, claimedSize: ByteCount?) {
        self.path = path
        self.baseName = baseName
        self.claimedSize = claimedSize
    }
}
