internal import Model
internal import NodeODM
internal import Storage

/// The option `boundary` of a task with images in object storage: GeoJSON, as a text, as JSON, or as an s3 URL.
///
/// What a URL names is read at once and takes its place, so that every kind of backend gets the same text and none has to find the
/// object later.
struct BoundaryOption: Sendable {
    /// ScaleODM's limit.
    static let maximumBytes = 256 << 10
    private static let wanted = "GeoJSON with one Polygon, of at most 256 KiB"

    /// Reads an object's bytes; throws in words.
    let read: @Sendable (S3URL) async throws(ObjectStorageRefusal) -> [UInt8]

    /// Puts the checked GeoJSON in.
    /// - Parameter options: the `options` as sent: text or array.
    /// - Returns: the options' text; nil where there is no boundary among them.
    /// - Throws: what is wrong with it.
    func resolve(_ options: String) async throws(ObjectStorageRefusal) -> String? {
        guard var entries = (try? JSONValue(parsing: options))?.array,
            let index = entries.firstIndex(where: { $0["name"]?.text == "boundary" })
        else { return nil }
        let text: String
        switch entries[index]["value"] {
        case .string(let value) where value.isEmpty: return nil
        case .string(let value) where value.prefix(5).lowercased() == "s3://": text = try await object(value)
        case .string(let value): text = value
        case .some(let value):
            var json = JSONWriter()
            json.value(value)
            text = String(decoding: json.bytes, as: UTF8.self)
        case nil: return nil
        }
        guard text.utf8.count <= Self.maximumBytes, let shape = try? JSONValue(parsing: text), Self.isBoundary(shape)
        else {
            throw .refused("boundary must be \(Self.wanted), as text or as s3://BUCKET/KEY.")
        }
        entries[index] = .object([
            JSONMember(name: "name", value: .string("boundary")), JSONMember(name: "value", value: .string(text)),
        ])
        var json = JSONWriter(reserving: text.utf8.count + options.utf8.count)
        json.value(.array(entries))
        return String(decoding: json.bytes, as: UTF8.self)
    }

    private func object(_ text: String) async throws(ObjectStorageRefusal) -> String {
        guard let url = S3URL(text), !url.prefix.isEmpty, !text.hasSuffix("/") else {
            throw .refused("boundary must be \(Self.wanted), as text or as s3://BUCKET/KEY.")
        }
        return String(decoding: try await read(url), as: UTF8.self)
    }

    /// Whether it is one Polygon, bare, as a Feature, or as the only one of a FeatureCollection.
    static func isBoundary(_ json: JSONValue) -> Bool {
        switch json["type"]?.text {
        case "FeatureCollection":
            guard let features = json["features"]?.array, features.count == 1, let feature = features.first else {
                return false
            }
            return feature["type"]?.text == "Feature" && isBoundary(feature)
        case "Feature": return json["geometry"].map { $0["type"]?.text == "Polygon" && isBoundary($0) } ?? false
        case "Polygon":
            guard let rings = json["coordinates"]?.array, !rings.isEmpty else { return false }
            return rings.allSatisfy(isRing)
        default: return false
        }
    }

    /// At least four positions, the last one the first.
    private static func isRing(_ json: JSONValue) -> Bool {
        guard let positions = json.array, positions.count >= 4, positions.first == positions.last else { return false }
        return positions.allSatisfy { position in
            guard let numbers = position.array?.map(\.number), numbers.count >= 2, numbers.count <= 3 else {
                return false
            }
            return numbers.allSatisfy { $0?.isFinite ?? false }
        }
    }
}
