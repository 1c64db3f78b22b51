internal import Digests

/// One file of a web page, as it is in the program.
public struct PageFile: Sendable {
    /// Its name in the page's folder.
    public let name: String
    /// What is in it.
    public let bytes: [UInt8]
    /// Its Content-Type, by the name's ending.
    public let contentType: String
    /// A strong entity tag: the SHA-256 of the bytes, in quotes.
    public let etag: String

    init(name: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
        contentType = Self.contentType(of: name)
        etag = "\"\(SHA256.digest(of: bytes).hexadecimal)\""
    }

    private static func contentType(of name: String) -> String {
        switch name.split(separator: ".").last {
        case "html": "text/html; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        case "js": "text/javascript; charset=utf-8"
        case "svg": "image/svg+xml"
        case "png": "image/png"
        case "json": "application/json; charset=utf-8"
        default: "application/octet-stream"
        }
    }
}
