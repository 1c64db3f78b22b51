internal import Model
internal import NodeODM

/// The body of a submission (the Argo contract, 1.2): places in the object store, options, and a name by which it is found again.
struct ScaleODMSubmission {
    /// What the instance reads of a body (the node contract, 2.6).
    private static let longestBody = 1_000_000

    /// Unique to the attempt.
    let mark: String
    let options: [TaskOption]
    let skipsPostProcessing: Bool
    let places: ObjectSubmission
    /// Where the inputs are: as in `places`, or copies under their own names.
    let input: S3URL

    /// What of uploaded files the instance wouldn't take; nil where it takes all.
    static func reasonToRefuse(_ files: [InputFile]) -> String? {
        // Of other files it would leave out some without a word, and take the images of `seed.zip` for all of the task's.
        files.first { !$0.kinds.isEmpty }.map {
            "ScaleODM takes JPEG and TIFF images and archives of them only, not \($0.name)"
        }
    }

    /// As JSON, with no field that the instance doesn't know: it refuses those.
    /// - Throws: where it is too long.
    func body() throws(ScaleODMError) -> [UInt8] {
        // What a user can't set: it'd move the project, or begin in the middle of one that isn't there.
        let options = options.filter { !EngineArguments.forbidden.contains($0.name) }
        // Copies have a place of their own, all of which is wanted.
        let (isCopied, selection) = (places.selection.takesAll, places.selection)
        let excludes = isCopied ? [] : selection.excludes
        let body = JSONValue.members([
            "name": .string(mark), "options": .string(TaskOption.text(of: options)),
            // The same twice: versions of it differ in which of the two they demand.
            "zipurl": .string(input.description), "readS3Path": .string(input.description),
            "writeS3Path": .string(places.output.description),
            "s3ScanDepth": .number(isCopied ? 1 : selection.depth),
            "useDefaultExcludes": .bool(!isCopied && selection.usesDefaultExcludes),
            "excludePaths": excludes.isEmpty ? nil : .array(excludes.map { .string($0) }),
            "skipPostProcessing": skipsPostProcessing ? .bool(true) : nil,
            "s3Endpoint": places.endpoint.map { .string($0) }, "s3Region": places.region.map { .string($0) },
            "capacityType": places.capacity.map { .string($0.rawValue) },
            "odmImage": places.engineImage.map { .string($0) },
        ]).encoded
        guard body.count <= Self.longestBody else {
            throw ScaleODMError(.refused, "options and boundary are longer than ScaleODM takes (1 MB)")
        }
        return body
    }
}
