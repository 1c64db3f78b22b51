internal import Glibc

/// A folder below the system's temporary one.
public struct ScratchFolder: Sendable {
    /// Where it is.
    public let path: String

    /// Makes a folder for a test and removes it afterwards.
    public static func run(_ body: (ScratchFolder) async throws -> Void) async throws {
        var template = Array("/tmp/scaleodm-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw ScratchError(message: "no scratch folder: \(errno)") }
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { remove(path) }
        try await body(ScratchFolder(path: path))
    }

    /// A file's content; nil where it can't be read.
    public static func content(of path: String) -> [UInt8]? {
        guard let file = fopen(path, "rb") else { return nil }
        defer { fclose(file) }
        var content: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = fread(&piece, 1, piece.count, file)
            if count == 0 { return content }
            content.append(contentsOf: piece[..<count])
        }
    }

    /// Writes a file, whatever was there.
    public static func write(_ bytes: [UInt8], to path: String) {
        guard let file = fopen(path, "wb") else { return }
        defer { fclose(file) }
        fwrite(bytes, 1, bytes.count, file)
    }

    /// The names in a folder, sorted.
    public static func names(in path: String) -> [String] {
        guard let stream = opendir(path) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    private static func remove(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        if status.st_mode & S_IFMT == S_IFDIR {
            for name in names(in: path) { remove(path + "/" + name) }
            rmdir(path)
        } else {
            unlink(path)
        }
    }
}
