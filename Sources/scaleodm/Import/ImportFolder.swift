import Glibc

/// The folder that an import writes into.
struct ImportFolder: Sendable {
    let path: String
    var inventory: String { "\(path)/gateway.yaml" }

    /// Makes it, unless it is there.
    /// - Throws: `CommandError` where it can't be made, or holds an inventory already.
    init(_ path: String) throws(CommandError) {
        self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        if mkdir(self.path, 0o755) != 0, errno != EEXIST { throw Self.failure(self.path) }
        guard access(inventory, F_OK) != 0 else {
            throw CommandError(
                "\(inventory) is there already", advice: "Name another folder with --data DIR, or move that file away.")
        }
    }

    /// Writes a node's token where only the owner of the folder reads it.
    func write(token: String, of backend: String) throws(CommandError) {
        let folder = "\(path)/tokens"
        if mkdir(folder, 0o700) != 0, errno != EEXIST { throw Self.failure(folder) }
        try write(token, to: "\(path)/\(ImportedInventory.tokenFile(of: backend))", mode: 0o600, flags: O_TRUNC)
    }

    /// Writes the inventory; another one is not overwritten.
    func write(inventory text: String) throws(CommandError) {
        try write(text, to: inventory, mode: 0o640, flags: O_EXCL)
    }

    private func write(_ text: String, to file: String, mode: mode_t, flags: Int32) throws(CommandError) {
        let descriptor = open(file, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, mode)
        guard descriptor >= 0 else { throw Self.failure(file) }
        defer { close(descriptor) }
        // A file that was there keeps its mode otherwise.
        guard fchmod(descriptor, mode) == 0 else { throw Self.failure(file) }
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Self.failure(file) }
            bytes = bytes.dropFirst(count)
        }
        guard fsync(descriptor) == 0 else { throw Self.failure(file) }
    }

    /// Reads a whole small file.
    static func read(_ file: String) throws(CommandError) -> [UInt8] {
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(file) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure(file) }
            guard count > 0 else { return bytes }
            bytes += buffer.prefix(count)
            guard bytes.count <= limit else { throw CommandError("\(file) is larger than ClusterODM's files are") }
        }
    }

    private static let limit = 256 << 20

    private static func failure(_ file: String) -> CommandError {
        CommandError("\(file): \(String(cString: strerror(errno)))")
    }
}
