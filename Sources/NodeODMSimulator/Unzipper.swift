import CArchive
import Glibc
import NodeODM

/// Unpacks ZIP archives by libarchive. Blocks: it runs on a pool's thread.
enum Unzipper {
    private static let regularFile: UInt32 = 0o100000

    /// Unpacks the plain files of an archive, each under a path confined to the folder.
    static func unpack(_ path: String, into folder: String, keepingFolders: Bool) throws(SimulatorError) {
        // In the C locale, in which this program runs, libarchive has no names beyond ASCII: UTF-8, for this thread only.
        let utf8 = newlocale(Int32(LC_CTYPE_MASK), "C.UTF-8", nil)
        let before = utf8.map { uselocale($0) }
        defer {
            if let before { uselocale(before) }
            if let utf8 { freelocale(utf8) }
        }
        guard let archive = archive_read_new() else { throw failure(path, nil) }
        defer { archive_read_free(archive) }
        guard archive_read_support_format_zip(archive) == ARCHIVE_OK,
            archive_read_open_filename(archive, path, 1 << 16) == ARCHIVE_OK
        else { throw failure(path, archive) }
        var entry: OpaquePointer?
        while true {
            let result = archive_read_next_header(archive, &entry)
            if result == ARCHIVE_EOF { return }
            guard result == ARCHIVE_OK || result == ARCHIVE_WARN else { throw failure(path, archive) }
            guard archive_entry_filetype(entry) == regularFile else { continue }
            guard let name = archive_entry_pathname(entry) else { continue }
            let inside = String(cString: name)
            guard let place = keepingFolders ? ConfinedPaths.confine(inside) : SafeFileName(inside).string else {
                continue
            }
            try copy(archive, to: folder + "/" + place)
        }
    }

    private static func copy(_ archive: OpaquePointer, to path: String) throws(SimulatorError) {
        if let slash = path.lastIndex(of: "/") { try Disk.makeFolder(String(path[..<slash])) }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Disk.failure("write", path) }
        defer { close(descriptor) }
        guard archive_read_data_into_fd(archive, descriptor) == ARCHIVE_OK else { throw failure(path, archive) }
    }

    private static func failure(_ path: String, _ archive: OpaquePointer?) -> SimulatorError {
        let reason = archive.flatMap(archive_error_string).map { String(cString: $0) } ?? "no archive"
        return SimulatorError(code: .disk, message: "can't unpack \(path.split(separator: "/").last ?? ""): \(reason)")
    }
}
