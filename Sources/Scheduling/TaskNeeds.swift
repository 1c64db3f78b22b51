public import Model

/// What a task needs of a backend beyond its options: not every kind can take every input.
public struct TaskNeeds: OptionSet, Hashable, Sendable {
    /// One bit a need.
    public let rawValue: UInt8
    /// From bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// It carries `seed.zip`: part of a split task.
    public static let seed = TaskNeeds(rawValue: 1)
    /// It carries ground control or alignment: `*.txt`, `align.*`.
    public static let sideFiles = TaskNeeds(rawValue: 2)
    /// It asks for certain paths in its results (`outputs`).
    public static let outputs = TaskNeeds(rawValue: 4)
    /// It names readS3Path, writeS3Path or odmImage.
    public static let objectStorage = TaskNeeds(rawValue: 8)
    /// Archives lie among its images in object storage: nodes don't unpack those.
    public static let archives = TaskNeeds(rawValue: 16)
    /// It has files that are neither JPEG nor TIFF, nor archives of them.
    public static let otherFiles = TaskNeeds(rawValue: 32)
    /// What files and wishes ask for: what a client can change by sending something else.
    public static let ofInputs: TaskNeeds = [.seed, .sideFiles, .outputs, .otherFiles]

    /// What of it a kind of backend can't take.
    /// - Parameter kind: of the backend.
    /// - Returns: nothing where it takes all.
    public func missing(at kind: BackendKind) -> TaskNeeds { subtracting(kind.abilities) }

    /// In words, for reasons.
    public var text: String {
        var parts: [String] = []
        if contains(.seed) { parts.append("seed.zip") }
        if contains(.sideFiles) { parts.append("GCP, geo or align files") }
        if contains(.outputs) { parts.append("chosen outputs") }
        if contains(.objectStorage) { parts.append("S3 paths or an image of its own") }
        if contains(.archives) { parts.append("archives in object storage") }
        if contains(.otherFiles) { parts.append("files other than JPEG and TIFF") }
        return parts.joined(separator: ", ")
    }
}
