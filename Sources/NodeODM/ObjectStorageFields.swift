public import Model

/// What ScaleODM's clients send beside NodeODM's fields: images and results that live in object storage (contract, 2.6).
public struct ObjectStorageFields: Sendable, Equatable {
    /// Which machines the client wants.
    public enum Capacity: String, Sendable, CaseIterable {
        /// Cheap ones that may be taken away.
        case spot
        /// Ones that stay.
        case onDemand = "on-demand"
    }

    /// Where the images are.
    public var input: S3URL
    /// Where the results of the first attempt go.
    public var output: S3URL
    /// Whether the client named the places by `readS3Path`, which a plain node can't serve (rules, S3), and not by `zipurl` alone.
    public var namesPlaces: Bool
    /// The endpoint that the pods use; nil for the configured one.
    public var endpoint: String?
    /// The endpoint's region; nil for the configured one.
    public var region: String?
    /// Levels of folders that are looked through, 1–10; 1: only what lies directly in the input.
    public var depth: Int
    /// rclone patterns of what is left out.
    public var excludes: [String]
    /// Whether what earlier runs left there is passed over.
    public var usesDefaultExcludes: Bool
    /// Which machines; nil leaves it to the cluster.
    public var capacity: Capacity?
    /// The engine's image; nil for the cluster's.
    public var engineImage: String?
    /// Whether archives lie among the images: only kinds that unpack them can take the task.
    public var holdsArchives = false
    /// Whether ground control, geo, image groups or align files lie there.
    public var holdsSideFiles = false

    /// Reads the fields.
    /// - Parameter field: the value of a field, as a JSON body or a form has it; nil where it wasn't sent.
    /// - Returns: nil where nothing of it was asked for: no `s3://` in `zipurl`, and no `readS3Path`.
    /// - Throws: the first thing that is wrong, for the client.
    public static func read(
        _ field: @escaping (String) -> JSONValue?
    ) throws(ObjectStorageFieldError) -> ObjectStorageFields? {
        let reader = ObjectStorageFieldReader(field: field)
        try reader.refuseReservedMode()
        guard let (input, namesPlaces) = try reader.input() else {
            try reader.refuseLoneFields()
            return nil
        }
        let wanted = try reader.place("writeS3Path")
        return ObjectStorageFields(
            input: input,
            output: wanted ?? (namesPlaces ? input.folder("output") : input.sibling(suffix: "-output")),
            namesPlaces: namesPlaces || wanted != nil,
            endpoint: try reader.endpoint(), region: try reader.region(), depth: try reader.depth(),
            excludes: try reader.excludes(), usesDefaultExcludes: try reader.flag("useDefaultExcludes") ?? true,
            capacity: try reader.capacity(), engineImage: try reader.engineImage())
    }
}
