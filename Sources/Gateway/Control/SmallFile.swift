import Glibc

/// A file of the inventory's that is read whole, at a start.
enum SmallFile {
    private static let mostBytes = 4 << 20

    /// - Returns: nil where it can't be read, or is larger than anything of the kind.
    static func bytes(of path: String) -> [UInt8]? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while bytes.count <= mostBytes {
            let count = fread(&piece, 1, piece.count, file)
            if count == 0 { return ferror(file) == 0 ? bytes : nil }
            bytes += piece[..<count]
        }
        return nil
    }
}
