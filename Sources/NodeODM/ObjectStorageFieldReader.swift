import Model

/// Reads one field after another, each with its own sentence where it is wrong. Forms have texts, JSON bodies typed values; both are
/// understood for every field.
struct ObjectStorageFieldReader {
    let field: (String) -> JSONValue?

    /// Exclusions of one task: drone-tm sends a handful.
    static let maximumExcludes = 200
    /// Bytes of all of them: each is compared with every key of a listing.
    static let maximumExcludeBytes = 4096
    private static let reservedModes = ["merge-existing", "thermal", "city-scale"]

    /// The text of a field; empty counts as not sent, since forms can't leave a field out.
    private func text(_ name: String) throws(ObjectStorageFieldError) -> String? {
        switch field(name) {
        case nil, .null: return nil
        case .string(let text): return text.isEmpty ? nil : text
        case .bool, .integer, .double, .array, .object: throw .init(.invalid, "\(name) must be a text.")
        }
    }

    func refuseReservedMode() throws(ObjectStorageFieldError) {
        guard let mode = try text("processingMode"), mode != "standard" else { return }
        guard Self.reservedModes.contains(mode) else {
            throw .init(.invalid, "processingMode `\(Self.shown(mode))` isn't known; send `standard`, or leave it out.")
        }
        throw .init(.notImplemented, "processingMode `\(mode)` isn't implemented; send `standard`.")
    }

    /// Where the images are, and whether `readS3Path` says so.
    func input() throws(ObjectStorageFieldError) -> (S3URL, namesPlaces: Bool)? {
        if let place = try place("readS3Path") { return (place, true) }
        guard let url = try text("zipurl"), url.prefix(3).lowercased() == "s3:" else { return nil }
        return (try Self.url(url, of: "zipurl"), false)
    }

    /// Fields that mean nothing without images in object storage are a client's mistake that it should hear of.
    func refuseLoneFields() throws(ObjectStorageFieldError) {
        for name in ["writeS3Path", "s3Endpoint", "s3ScanDepth", "excludePaths"] {
            switch field(name) {
            case nil, .null, .string(""): continue
            case .bool, .integer, .double, .string, .array, .object:
                throw .init(.invalid, "\(name) needs readS3Path, or an s3:// prefix as zipurl.")
            }
        }
    }

    func place(_ name: String) throws(ObjectStorageFieldError) -> S3URL? {
        guard let url = try text(name) else { return nil }
        return try Self.url(url, of: name)
    }

    private static func url(_ text: String, of name: String) throws(ObjectStorageFieldError) -> S3URL {
        guard let url = S3URL(text) else {
            throw .init(.invalid, "\(name) must be s3://BUCKET/PREFIX/, not `\(shown(text))`.")
        }
        return url
    }

    func endpoint() throws(ObjectStorageFieldError) -> String? {
        guard let url = try text("s3Endpoint") else { return nil }
        let isURL = ["http://", "https://"].contains { url.lowercased().hasPrefix($0) && url.utf8.count > $0.count }
        guard isURL, url.utf8.count <= 300, !url.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F || $0 == 0x40 }) else {
            throw .init(.invalid, "s3Endpoint must be http(s)://HOST[:PORT], without a user, not `\(Self.shown(url))`.")
        }
        return url.last == "/" ? String(url.dropLast()) : url
    }

    func region() throws(ObjectStorageFieldError) -> String? {
        guard let region = try text("s3Region") else { return nil }
        let isTame = region.utf8.allSatisfy {
            (0x61...0x7A).contains($0 | 0x20) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x5F
        }
        guard isTame, region.utf8.count <= 64 else {
            throw .init(.invalid, "s3Region must be a name such as us-east-1, not `\(Self.shown(region))`.")
        }
        return region
    }

    /// 0 and absent mean 1: drone-tm sends 0.
    func depth() throws(ObjectStorageFieldError) -> Int {
        let number: Int64?
        switch field("s3ScanDepth") {
        case nil, .null, .string(""): return 1
        case .integer(let value): number = value
        case .double(let value): number = Int64(exactly: value)
        case .string(let text): number = Int64(text)
        case .bool, .array, .object: number = nil
        }
        guard let number, (0...10).contains(number) else {
            throw .init(.invalid, "s3ScanDepth must be a whole number from 0 to 10.")
        }
        return max(1, Int(number))
    }

    func excludes() throws(ObjectStorageFieldError) -> [String] {
        let list: [JSONValue]?
        switch field("excludePaths") {
        case nil, .null, .string(""): return []
        case .array(let elements): list = elements
        case .string(let text): list = (try? JSONValue(parsing: text))?.array
        case .bool, .integer, .double, .object: list = nil
        }
        guard let list, list.count <= Self.maximumExcludes else {
            throw .init(
                .invalid,
                "excludePaths must be a JSON array of at most \(Self.maximumExcludes) patterns such as \"raw/**\".")
        }
        var patterns: [String] = []
        for element in list {
            guard let pattern = element.text, Self.isPattern(pattern) else {
                throw .init(
                    .invalid,
                    "excludePaths: each must be a relative pattern without `..`, quotes, line ends and characters of shells, "
                        + "not `\(Self.shown(element.text ?? "a value that is no text"))`.")
            }
            patterns.append(pattern)
        }
        guard patterns.reduce(0, { $0 + $1.utf8.count }) <= Self.maximumExcludeBytes else {
            throw .init(.invalid, "excludePaths may have at most \(Self.maximumExcludeBytes) bytes together.")
        }
        return patterns
    }

    private static func isPattern(_ text: String) -> Bool {
        guard !text.isEmpty, text.utf8.count <= 512, !text.hasPrefix("/"), !text.split(separator: "/").contains("..")
        else {
            return false
        }
        return text.unicodeScalars.allSatisfy {
            $0.value >= 0x20 && $0.value != 0x7F && !"\"'`$;|&<>\\".unicodeScalars.contains($0)
        }
    }

    func flag(_ name: String) throws(ObjectStorageFieldError) -> Bool? {
        switch field(name) {
        case nil, .null, .string(""): return nil
        case .bool(let value): return value
        case .string("true"), .integer(1): return true
        case .string("false"), .integer(0): return false
        case .string, .integer, .double, .array, .object: throw .init(.invalid, "\(name) must be true or false.")
        }
    }

    func capacity() throws(ObjectStorageFieldError) -> ObjectStorageFields.Capacity? {
        guard let text = try text("capacityType") else { return nil }
        guard let capacity = ObjectStorageFields.Capacity(rawValue: text) else {
            throw .init(.invalid, "capacityType must be `spot` or `on-demand`, not `\(Self.shown(text))`.")
        }
        return capacity
    }

    /// Whether it is an image that may be run is the allow-list's business; here it must only be a reference.
    func engineImage() throws(ObjectStorageFieldError) -> String? {
        guard let image = try text("odmImage") else { return nil }
        let isReference = image.utf8.allSatisfy {
            (0x61...0x7A).contains($0 | 0x20) || (0x2D...0x3A).contains($0) || $0 == 0x5F || $0 == 0x40
        }
        guard isReference, image.utf8.count <= 255 else {
            throw .init(.invalid, "odmImage must be an image reference such as opendronemap/odm:3.6.0.")
        }
        return image
    }

    /// A client's text, shortened and harmless in a line of a log or an answer.
    private static func shown(_ text: String) -> String {
        let plain = text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? "?" : Character($0) }
        return String(plain.prefix(80))
    }
}
