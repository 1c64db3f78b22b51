import Glibc

/// A file to upload.
struct LocalFile: Sendable {
    let path: String
    /// Its name in the dataset.
    let name: String
    /// Bytes.
    let size: Int64

    /// Looks at a file without opening it.
    /// - Throws: `CommandError` where it can't be uploaded.
    init(_ path: String) throws(CommandError) {
        var facts = stat()
        guard stat(path, &facts) == 0 else {
            throw CommandError("\(path): \(String(cString: strerror(errno)))")
        }
        guard facts.st_mode & S_IFMT == S_IFREG else {
            let isFolder = facts.st_mode & S_IFMT == S_IFDIR
            throw CommandError(
                "\(path) is \(isFolder ? "a folder" : "no ordinary file")",
                advice: isFolder ? "Name the files in it: \(path)/*" : nil)
        }
        guard access(path, R_OK) == 0 else { throw CommandError("\(path): \(String(cString: strerror(errno)))") }
        self.path = path
        name = path.split(separator: "/").last.map(String.init) ?? path
        size = Int64(facts.st_size)
    }
}
