import Digests
import Glibc
import NodeODM

/// A file while it arrives: hashed and written piece by piece, listed only once it is whole.
struct ArrivingFile: ~Copyable {
    private let path: String
    private let descriptor: Int32
    private var hash = SHA256()
    private var size: Int64 = 0

    init(path: String) throws(SimulatorError) {
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Disk.failure("write", path) }
    }

    deinit {
        close(descriptor)
        // Published under its final name by a hard link, or cut: this name has served.
        unlink(path)
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) throws(SimulatorError) {
        hash.update(bytes)
        size += Int64(bytes.count)
        guard Disk.append(bytes, to: descriptor) else { throw Disk.failure("write", path) }
    }

    /// Lists the file in a folder; a name that is taken gets `_` before its extension, as in NodeODM.
    /// - Returns: nil where the folder is gone: the upload was committed or removed meanwhile.
    consuming func publish(as name: String?, in folder: String) throws(SimulatorError) -> Journal.ReceivedFile? {
        var name = SafeFileName(name)
        for _ in 0..<100 {
            if link(path, folder + "/" + name.string) == 0 {
                return Journal.ReceivedFile(name: name.string, size: size, sha256: hash.finish().hexadecimal)
            }
            if errno == ENOENT || errno == ENOTDIR { return nil }
            guard errno == EEXIST else { throw Disk.failure("list \(name) in", folder) }
            name = name.doubled
        }
        throw SimulatorError(code: .disk, message: "a hundred files are called like \(name) in \(folder)")
    }
}
