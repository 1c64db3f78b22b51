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

    /// In words, for reasons.
    var text: String {
        var parts: [String] = []
        if contains(.seed) { parts.append("seed.zip") }
        if contains(.sideFiles) { parts.append("GCP, geo or align files") }
        if contains(.outputs) { parts.append("chosen outputs") }
        if contains(.objectStorage) { parts.append("S3 paths or an image of its own") }
        if contains(.archives) { parts.append("archives in object storage") }
        return parts.joined(separator: ", ")
    }
}
