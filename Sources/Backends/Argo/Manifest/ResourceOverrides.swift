public import Model
public import NodeODM

/// `workflow.resources` of the inventory: what replaces the sizing table.
///
/// ```yaml
/// resources:
///   memory: {min: 8Gi, max: 512Gi}
///   classes:                      # the first that fits; what a class leaves out is the table's
///     - {images: 500, memory: 64Gi, cpu: 16, workspace: 200Gi}
///   download: {requests: {cpu: 100m, memory: 256Mi}}     # of that container, word for word
///   upload: {limits: {memory: 2Gi}}
///   process: {limits: {nvidia.com/gpu: 1}}               # added to what was sized
/// ```
public struct ResourceOverrides: Sendable, Equatable {
    /// One class of sizes.
    public struct SizeClass: Sendable, Equatable {
        /// The most images of a task in it.
        public var images: Int
        /// Of the engine's container.
        public var memory: ByteCount?
        /// Cores.
        public var cores: Int?
        /// Of the workspace.
        public var workspace: ByteCount?
    }

    /// No task gets less.
    public var leastMemory = ByteCount.gibibytes(4)
    /// No task gets more.
    public var mostMemory = ByteCount.gibibytes(1024)
    /// In the order of their images.
    public var classes: [SizeClass] = []
    /// `resources` of single containers.
    var containers: [String: JSONValue] = [:]

    /// The table alone.
    public init() {}

    /// Reads the inventory's value.
    /// - Parameter json: an object, see above.
    /// - Throws: ``ManifestError`` that names the key.
    public init(json: JSONValue) throws(ManifestError) {
        guard let members = json.members else { throw ManifestError(.inventory, "resources must be a mapping") }
        for member in members {
            switch member.name {
            case "memory":
                leastMemory = try Self.quantity(member.value["min"], "resources.memory.min") ?? leastMemory
                mostMemory = try Self.quantity(member.value["max"], "resources.memory.max") ?? mostMemory
            case "classes": classes = try Self.classes(member.value)
            case "download", "upload", "process", "finish":
                guard member.value.members != nil else {
                    throw ManifestError(.inventory, "resources.\(member.name) must be a mapping")
                }
                containers[member.name] = member.value
            default: throw ManifestError(.inventory, "resources has no key \(member.name)")
            }
        }
        guard leastMemory <= mostMemory else {
            throw ManifestError(.inventory, "resources.memory.min is more than resources.memory.max")
        }
    }

    /// The class of a task; nil where none is large enough.
    func sizeClass(for images: Int) -> SizeClass? { classes.first { images <= $0.images } }

    private static func classes(_ json: JSONValue) throws(ManifestError) -> [SizeClass] {
        guard let entries = json.array else { throw ManifestError(.inventory, "resources.classes must be a list") }
        var classes: [SizeClass] = []
        for (index, entry) in entries.enumerated() {
            let place = "resources.classes[\(index)]"
            guard let images = number(entry["images"]), images > 0 else {
                throw ManifestError(.inventory, "\(place).images must be a number above 0")
            }
            if let unknown = entry.members?.first(where: {
                !["images", "memory", "cpu", "workspace"].contains($0.name)
            }) {
                throw ManifestError(.inventory, "\(place) has no key \(unknown.name)")
            }
            let cores = number(entry["cpu"])
            if entry["cpu"] != nil, cores == nil || cores.map({ $0 < 1 || $0 > 1024 }) == true {
                throw ManifestError(.inventory, "\(place).cpu must be 1 to 1024 whole cores")
            }
            classes.append(
                SizeClass(
                    images: images, memory: try quantity(entry["memory"], "\(place).memory"), cores: cores,
                    workspace: try quantity(entry["workspace"], "\(place).workspace")))
        }
        return classes.sorted { $0.images < $1.images }
    }

    private static func number(_ json: JSONValue?) -> Int? {
        json?.integer.flatMap { Int(exactly: $0) } ?? json?.text.flatMap { Int($0) }
    }

    private static func quantity(_ json: JSONValue?, _ place: String) throws(ManifestError) -> ByteCount? {
        guard let json else { return nil }
        let text = json.text ?? json.integer.map { String($0) } ?? ""
        guard let bytes = KubernetesQuantity.bytes(text), bytes > 0 else {
            throw ManifestError(.inventory, "\(place) must be a quantity such as 64Gi")
        }
        return ByteCount(bytes)
    }
}
