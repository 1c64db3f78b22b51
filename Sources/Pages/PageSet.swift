internal import CPages
public import HTTPTypes

/// The files of one web page: the first is asked for at `/`, the others beside each other below `/ui/`.
public struct PageSet: Sendable {
    /// The page of the client listener, from which people submit images.
    public static let front = PageSet(cpages_front())
    /// The page of the admin listener.
    public static let dashboard = PageSet(cpages_dashboard())

    /// What a browser gets at `/`.
    public static let index = "index.html"

    private let files: [String: PageFile]

    private init(_ set: cpages_set) {
        let table = UnsafeBufferPointer(start: set.files, count: set.count).map { file in
            let bytes = UnsafeBufferPointer(start: file.bytes, count: file.length)
            return PageFile(name: String(cString: file.name), bytes: Array(bytes))
        }
        files = Dictionary(uniqueKeysWithValues: table.map { ($0.name, $0) })
    }

    /// All names, sorted.
    public var names: [String] { files.keys.sorted() }

    /// The file of that name.
    public subscript(name: String) -> PageFile? { files[name] }

    /// The answer to a GET or HEAD.
    /// - Parameters:
    ///   - request: may say which copy the browser has, which is then confirmed with 304.
    ///   - name: the file that the path names.
    /// - Returns: head and body, or nil where there is no such file.
    public func answer(to request: HTTPRequest, _ name: String) -> (head: HTTPResponse, body: [UInt8])? {
        guard let file = files[name] else { return nil }
        var fields = Self.protection
        fields.append(.etag, file.etag)
        if let known = request.fields[.ifNoneMatch], EntityTag.isListed(file.etag, in: known) {
            return (HTTPResponse(.notModified, fields: fields), [])
        }
        fields.append(.contentType, file.contentType)
        return (HTTPResponse(.ok, fields: fields), file.bytes)
    }

    /// Whether who asks is a browser that wants to show a page: programs ask for anything, or for JSON.
    public static func isWanted(by request: HTTPRequest) -> Bool {
        request.fields.values(.accept).contains { value in
            value.split(separator: ",").contains { MediaType(String($0))?.essence == "text/html" }
        }
    }

    /// What all files say: ask again before an old copy is used, load nothing from elsewhere, and let nobody put the page in a
    /// frame or learn its address, where a token may be.
    private static let protection: HTTPFields = [
        .cacheControl: "no-cache", "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'",
        .xContentTypeOptions: "nosniff", "Referrer-Policy": "no-referrer",
    ]
}
