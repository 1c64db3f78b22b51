import Glibc

/// The few file system calls that a node needs.
enum Disk {
    /// Makes a folder and those above it.
    static func makeFolder(_ path: String) throws(SimulatorError) {
        if mkdir(path, 0o755) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw failure("make folder", path)
        }
        try makeFolder(String(path[..<slash]))
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw failure("make folder", path) }
    }

    /// Names in a folder, sorted; empty where there is no such folder.
    static func names(in path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    static func isFolder(_ path: String) -> Bool { mode(path).map { $0 & S_IFMT == S_IFDIR } ?? false }
    static func exists(_ path: String) -> Bool { mode(path) != nil }

    /// Size of a plain file.
    static func size(of path: String) -> Int64? {
        var facts = stat()
        return lstat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFREG ? Int64(facts.st_size) : nil
    }

    /// Removes a file, or a folder with everything in it; what isn't there is no error.
    static func remove(_ path: String) {
        if isFolder(path) {
            for name in names(in: path) { remove(path + "/" + name) }
            rmdir(path)
        } else {
            unlink(path)
        }
    }

    static func move(_ from: String, to: String) throws(SimulatorError) {
        guard rename(from, to) == 0 else { throw failure("move to \(to)", from) }
    }

    /// The whole of a small file.
    static func read(_ path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return count == 0 ? bytes : nil }
            bytes.append(contentsOf: buffer[..<count])
        }
    }

    /// Replaces a file by a new one in one step.
    static func write(_ bytes: [UInt8], to path: String) throws(SimulatorError) {
        let temporary = path + ".new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failure("write", temporary) }
        defer { close(descriptor) }
        try append(bytes, to: descriptor, path)
        try move(temporary, to: path)
    }

    static func append(_ bytes: [UInt8], to descriptor: Int32, _ path: String) throws(SimulatorError) {
        let isWritten = bytes.withUnsafeBytes { append($0, to: descriptor) }
        guard isWritten else { throw failure("write", path) }
    }

    /// Writes all of it; false with `errno` set otherwise.
    static func append(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = UnsafeRawBufferPointer(rebasing: rest)
            let count = Glibc.write(descriptor, piece.baseAddress, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    static func failure(_ action: String, _ path: String) -> SimulatorError {
        SimulatorError(code: .disk, message: "can't \(action) \(path): \(String(cString: strerror(errno)))")
    }

    private static func mode(_ path: String) -> mode_t? {
        var facts = stat()
        return lstat(path, &facts) == 0 ? facts.st_mode : nil
    }
}
