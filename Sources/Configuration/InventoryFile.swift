import Glibc

/// The file itself.
enum InventoryFile {
    private static let mostBytes = 4 << 20

    static func read(_ path: String) throws(InventoryError) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw unreadable(path, String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count <= mostBytes {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw unreadable(path, String(cString: strerror(errno))) }
            if count == 0 { break }
            bytes += buffer.prefix(count)
        }
        guard bytes.count <= mostBytes else { throw unreadable(path, "it has more than 4 MiB") }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw unreadable(path, "it isn't UTF-8") }
        return text
    }

    /// The folder of a file; empty for the working directory.
    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "" }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func unreadable(_ path: String, _ reason: String) -> InventoryError {
        InventoryError(
            code: .unreadable,
            problems: [InventoryProblem(file: path, location: nil, message: "can't be read: \(reason)")])
    }
}
