public import HTTPClient

/// A file on its way to a node.
public struct UploadFile: Sendable {
    /// Its name in the dataset.
    public var name: String
    /// Its size in bytes; the source has to hold exactly so many.
    public var size: Int64
    /// Where it is read from.
    public var source: any BodySource

    /// A file.
    public init(name: String, size: Int64, source: any BodySource) {
        self.name = name
        self.size = size
        self.source = source
    }

    /// NodeODM takes files in the field `images`, whatever they are (contract 2.4).
    var field: MultipartField { .file(name: "images", filename: name, length: size, source: source) }
}

/// The fields of an init (contract 2.3).
public struct InitFields: Sendable {
    /// For display; never left out, for info would lack it then.
    public var name: String
    /// The options, as a JSON array of `{name, value}`.
    public var options: String
    /// Whether point cloud tiles and the like are left out.
    public var skipsPostProcessing: Bool
    /// JSON array of the paths that all.zip shall hold; nil for the default set.
    public var outputs: String?
    /// Milliseconds since 1970; nil for now.
    public var dateCreated: Int64?
    /// Called when the task ends.
    public var webhook: String?

    /// Fields, those that most tasks lack left out.
    public init(
        name: String, options: String = "[]", skipsPostProcessing: Bool = false, outputs: String? = nil,
        dateCreated: Int64? = nil, webhook: String? = nil
    ) {
        self.name = name
        self.options = options
        self.skipsPostProcessing = skipsPostProcessing
        self.outputs = outputs
        self.dateCreated = dateCreated
        self.webhook = webhook
    }

    var fields: [MultipartField] {
        var fields: [MultipartField] = [.text(name: "name", value: name), .text(name: "options", value: options)]
        if skipsPostProcessing { fields.append(.text(name: "skipPostProcessing", value: "true")) }
        if let outputs { fields.append(.text(name: "outputs", value: outputs)) }
        if let dateCreated { fields.append(.text(name: "dateCreated", value: "\(dateCreated)")) }
        if let webhook { fields.append(.text(name: "webhook", value: webhook)) }
        return fields
    }
}
