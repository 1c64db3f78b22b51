/// What there is among a task's files beside what every kind of backend takes: a ScaleODM brings JPEG, TIFF and archives to its pods,
/// and nothing else. The record keeps it as a number, so that a bit never changes its meaning.
public struct InputKinds: OptionSet, Hashable, Sendable {
    /// One bit a kind.
    public let rawValue: Int
    /// From bits.
    public init(rawValue: Int) { self.rawValue = rawValue }

    /// `seed.zip`: a part of a split task.
    public static let seed = InputKinds(rawValue: 1)
    /// Ground control, geo, image groups, alignment: `*.txt`, `align.*`.
    public static let sideFiles = InputKinds(rawValue: 2)
    /// Neither JPEG nor TIFF, and no archive of them.
    public static let otherFiles = InputKinds(rawValue: 4)

    /// All kinds among some files.
    /// - Parameter files: of one task.
    public init(of files: [InputFile]) { self = files.reduce(into: []) { $0.formUnion($1.kinds) } }
}

extension InputFile {
    /// What a ScaleODM takes for images, or unpacks to them.
    private static let usualEndings = [".jpg", ".jpeg", ".tif", ".tiff", ".zip", ".tar", ".tar.gz"]
    /// Files that align a model with another, whatever format they have.
    static let alignNames = ["align.las", "align.laz", "align.tif"]

    /// What it is beside what every kind of backend takes; empty for a usual image.
    public var kinds: InputKinds {
        let lower = name.lowercased()
        if lower == "seed.zip" { return .seed }
        if lower.hasSuffix(".txt") || Self.alignNames.contains(lower) { return .sideFiles }
        return Self.usualEndings.contains(where: lower.hasSuffix) ? [] : .otherFiles
    }
}
