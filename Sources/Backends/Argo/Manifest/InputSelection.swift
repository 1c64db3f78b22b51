/// Which objects of an input place are brought to the pod. The gateway counts images and reads such a place for other backends
/// by the same rules.
public struct InputSelection: Sendable, Hashable {
    /// Levels of folders below the place, 1–10; 1: only what lies directly in it.
    public var depth: Int
    /// What a client leaves out, in rclone's patterns.
    public var excludes: [String]
    /// Whether what earlier runs left is passed over.
    public var usesDefaultExcludes: Bool
    /// Whether every file is wanted: what was uploaded to the gateway was chosen by its user.
    public var takesAll: Bool

    /// Every file of a folder that the gateway filled.
    public static let staged = InputSelection(depth: 1, excludes: [], usesDefaultExcludes: false, takesAll: true)

    /// A selection; the depth is brought to 1–10.
    public init(depth: Int, excludes: [String], usesDefaultExcludes: Bool, takesAll: Bool = false) {
        self.depth = min(max(depth, 1), 10)
        self.excludes = excludes
        self.usesDefaultExcludes = usesDefaultExcludes
        self.takesAll = takesAll
    }

    /// Endings of pictures and films that the engine reads.
    static let imageEndings = [".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".mp4", ".mov", ".lrv", ".ts", ".srt"]
    static let archiveEndings = [".zip", ".tar", ".tar.gz", ".tgz"]
    static let sideFiles = ["gcp_list.txt", "geo.txt", "image_groups.txt", "align.las", "align.laz", "align.tif"]

    /// What ScaleODM passes over (the node contract, 2.6).
    static let defaultExcludes = [
        "odm/**", "**/odm/**", "odm_orthophoto/**", "odm_dem/**", "odm_dem_tiles/**", "odm_texturing/**",
        "odm_texturing_25d/**", "odm_meshing/**", "odm_filterpoints/**", "odm_georeferencing/**", "odm_report/**",
        "images_resize/**", "entwine_pointcloud/**", "mapproxy/**", "submodels/**", "*-output/**", "thumbs/**",
        "**/thumbs/**", "all.zip", "**/all.zip",
    ]

    /// Why a client's exclusion can't be taken; nil where it can.
    public static func reasonToRefuse(exclude pattern: String) -> String? {
        if pattern.isEmpty || pattern.utf8.count > 512 { return "an exclusion is empty or longer than 512 bytes" }
        if pattern.hasPrefix("/") || pattern.split(separator: "/").contains("..") {
            return "an exclusion must be a relative path without `..`"
        }
        let isTame = pattern.unicodeScalars.allSatisfy {
            $0.value >= 0x20 && $0.value != 0x7F && !"\"'`$;|&<>\\".unicodeScalars.contains($0)
        }
        return isTame ? nil : "an exclusion holds a quote, a line end or a character of shells"
    }

    /// rclone's filter file: exclusions first, as the first rule that fits decides.
    var filterRules: String {
        var rules = ["- _STARTED.json", "- _DONE.json"]
        rules += excludes.map { "- \($0)" }
        if usesDefaultExcludes { rules += Self.defaultExcludes.map { "- \($0)" } }
        if takesAll {
            rules.append("+ **")
        } else {
            let endings = (Self.imageEndings + Self.archiveEndings).flatMap { [$0, $0.uppercased()] }
            rules += endings.map { "+ *\($0)" }
            // `Jpg` and the like: rclone knows no case-insensitive rule beside a global flag.
            rules += Self.imageEndings.map { "+ *.\($0.dropFirst().prefix(1).uppercased())\($0.dropFirst(2))" }
            rules += Self.sideFiles.map { "+ \($0)" }
            rules.append("- **")
        }
        return rules.joined(separator: "\n") + "\n"
    }

    /// What an object is.
    public enum Kind: Sendable, Equatable {
        /// Counted by imagesCount.
        case image
        /// Unpacked in the pod; what it holds isn't known before.
        case archive
        /// GCP, geo, image groups, align.
        case side
        /// Not brought there.
        case unwanted
    }

    /// What an object is to a task.
    /// - Parameter path: the key without the place's prefix.
    /// - Returns: how it is to be taken.
    public func kind(of path: String) -> Kind {
        let segments = path.split(separator: "/", omittingEmptySubsequences: false)
        guard !path.isEmpty, segments.count <= depth, let name = segments.last, !name.isEmpty else { return .unwanted }
        let patterns = ["_STARTED.json", "_DONE.json"] + excludes + (usesDefaultExcludes ? Self.defaultExcludes : [])
        if patterns.contains(where: { GlobPattern($0).matches(path) }) { return .unwanted }
        let lower = name.lowercased()
        if Self.sideFiles.contains(lower) { return .side }
        if takesAll, lower.hasSuffix(".txt") { return .side }
        if Self.archiveEndings.contains(where: lower.hasSuffix) { return .archive }
        if takesAll || Self.imageEndings.contains(where: lower.hasSuffix) { return .image }
        return .unwanted
    }
}
