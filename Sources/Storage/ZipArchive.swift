import CArchive
import Glibc
import Model
import Synchronization

/// libarchive's reader over one open file: the only file that knows it.
///
/// Invariant: the extractor awaits each call before the next, so that one thread of the pool at a time is in here;
/// `inUse` asserts it. libarchive keeps no thread state.
final class ZipArchive: @unchecked Sendable {
    private let archive: OpaquePointer
    private let file: ReadableFile
    private let name: String
    private let limits: ZipExtractor.Limits
    private var entries = 0
    private var unpacked: Int64 = 0
    /// The first failure: what libarchive says after one means nothing.
    private var failure: StorageError?
    private let inUse = Atomic(false)

    private static let blockSize = 1 << 18

    init(_ file: ReadableFile, name: String, limits: ZipExtractor.Limits) throws(StorageError) {
        guard let archive = archive_read_new() else { throw StorageError(.failed, "no memory to unpack \(name)") }
        self.archive = archive
        self.file = file
        self.name = name
        self.limits = limits
        archive_read_support_format_zip_seekable(archive)
        let opened = Self.inUTF8 { archive_read_open_fd(archive, file.number, Self.blockSize) }
        guard opened == ARCHIVE_OK else { throw malformed() }
    }

    deinit { archive_read_free(archive) }

    /// The next ordinary file; nil at the end.
    func nextEntry() throws(StorageError) -> ZipEntry? {
        try alone { () throws(StorageError) in
            while true {
                var entry: OpaquePointer?
                let result = archive_read_next_header(archive, &entry)
                if result == ARCHIVE_EOF { return nil }
                // A warning here is about a name's character set.
                guard result == ARCHIVE_OK || result == ARCHIVE_WARN, let entry else { throw malformed() }
                try count()
                if let file = try describe(entry) { return file }
            }
        }
    }

    /// The next bytes of the entry; empty at its end.
    func read() throws(StorageError) -> [UInt8] {
        try alone { () throws(StorageError) in
            var result = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: Self.blockSize) { buffer, filled in
                result = archive_read_data(archive, buffer.baseAddress, Self.blockSize)
                filled = max(0, result)
            }
            // Also a warning: a size that doesn't agree with the header.
            guard result >= 0 else { throw malformed() }
            unpacked += Int64(bytes.count)
            guard unpacked <= limits.bytes.bytes else {
                throw StorageError(.tooLarge, "\(name) unpacks to more than \(limits.bytes)")
            }
            return bytes
        }
    }

    private func alone<Value>(_ work: () throws(StorageError) -> Value) throws(StorageError) -> Value {
        let wasInUse = inUse.exchange(true, ordering: .acquiring)
        precondition(!wasInUse, "two calls at once on one ZipExtractor")
        defer { inUse.store(false, ordering: .releasing) }
        if let failure { throw failure }
        do throws(StorageError) { return try Self.inUTF8(work) } catch {
            failure = error
            throw error
        }
    }

    /// libarchive can't name what isn't ASCII in a process of the C locale; this thread gets another one meanwhile.
    private static func inUTF8<Value, Failure>(_ work: () throws(Failure) -> Value) throws(Failure) -> Value {
        guard let locale = Self.locale else { return try work() }
        let before = uselocale(locale)
        defer { uselocale(before) }
        return try work()
    }

    // Invariant: made once by the language's thread-safe initialiser, never freed or changed; any thread may use it.
    nonisolated(unsafe) private static let locale = newlocale(Int32(1 << LC_CTYPE), "C.UTF-8", nil)

    private func count() throws(StorageError) {
        entries += 1
        guard entries <= limits.entries else {
            throw StorageError(.tooLarge, "\(name) holds more than \(limits.entries) files")
        }
    }

    private func describe(_ entry: OpaquePointer) throws(StorageError) -> ZipEntry? {
        guard archive_entry_filetype(entry) == S_IFREG else { return nil }
        guard archive_entry_is_encrypted(entry) == 0 else {
            throw StorageError(.malformedArchive, "\(name) is encrypted; upload it without a password")
        }
        guard let text = archive_entry_pathname_utf8(entry) ?? archive_entry_pathname(entry) else {
            throw StorageError(.malformedArchive, "\(name) holds a file without a readable name")
        }
        let path = String(cString: text)
        // Windows tools write backslashes.
        let base = path.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last.map(String.init) ?? ""
        guard !base.isEmpty, base != ".", base != ".." else {
            throw StorageError(.malformedArchive, "\(name) holds a file without a name")
        }
        let size = archive_entry_size_is_set(entry) != 0 ? ByteCount(max(0, archive_entry_size(entry))) : nil
        return ZipEntry(path: path, baseName: base, claimedSize: size)
    }

    private func malformed() -> StorageError {
        let reason = archive_error_string(archive).map { String(cString: $0) } ?? "unknown reason"
        return StorageError(.malformedArchive, "\(name) can't be unpacked: \(reason)")
    }
}
