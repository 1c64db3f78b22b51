import Glibc

/// Makes folders for the files that the inventory names.
enum Folders {
    /// Makes the folders that lead to a file.
    /// - Parameter path: of the file.
    /// - Throws: `StartError` that says which folder can't be made.
    static func create(above path: String) throws {
        var current = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/").dropLast() {
            current += current.isEmpty || current.hasSuffix("/") ? String(part) : "/\(part)"
            guard mkdir(current, 0o755) != 0, errno != EEXIST else { continue }
            throw StartError("The folder \(current) can't be made: \(String(cString: strerror(errno))).")
        }
    }
}
