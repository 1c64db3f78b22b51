public import Model
import Reactor

/// Unpacks a stored zip as a stream: one entry after another, each in bounded pieces.
///
/// Folders, symbolic links and devices are passed over. Nothing is written anywhere: the caller decides where an
/// entry's bytes go. Belongs to one task; each call is one hop to the blocking pool.
///
///     let zip = try await ZipExtractor.open(key: key, in: store, limits: limits)
///     while let entry = try await zip.nextEntry() {
///         while case let bytes = try await zip.read(), !bytes.isEmpty { … }
///     }
public final class ZipExtractor {
    /// What an archive may hold. A small archive can unpack to anything ("zip bomb").
    public struct Limits: Sendable {
        /// All entries together, unpacked.
        public var bytes: ByteCount
        /// How many files.
        public var entries: Int

        /// Every part is given.
        public init(bytes: ByteCount, entries: Int) {
            self.bytes = bytes
            self.entries = entries
        }
    }

    private let archive: ZipArchive
    private let pool: BlockingPool

    private init(_ archive: ZipArchive, pool: BlockingPool) {
        self.archive = archive
        self.pool = pool
    }

    /// Opens a zip that a `DirectoryStore` holds.
    /// - Parameters:
    ///   - key: of the stored zip.
    ///   - store: holds it; its pool does the work.
    ///   - limits: what it may hold.
    ///   - name: what errors call it; nil for its key.
    /// - Returns: an extractor before the first entry.
    /// - Throws: `.notFound`, or `.malformedArchive` where it isn't a zip.
    public static func open(
        key: String, in store: DirectoryStore, limits: Limits, named name: String? = nil
    ) async throws(StorageError) -> ZipExtractor {
        let key = try StorageKey(key)
        let archive = try await store.pool.blocking { [tree = store.tree] () throws(StorageError) in
            try ZipArchive(ReadableFile(key, in: tree), name: name ?? key.text, limits: limits)
        }
        return ZipExtractor(archive, pool: store.pool)
    }

    /// Goes to the next file, skipping what is left of the one before; nil at the end.
    /// - Returns: its name and size.
    /// - Throws: `.malformedArchive`, or `.tooLarge` beyond the limits.
    public func nextEntry() async throws(StorageError) -> ZipEntry? {
        try await pool.blocking { [archive] () throws(StorageError) in try archive.nextEntry() }
    }

    /// The next bytes of the current entry, at most 256 KiB; empty only at its end.
    /// - Returns: bytes that the archive's checksum will vouch for when the end is reached.
    /// - Throws: `.malformedArchive` (also for a checksum that doesn't agree), or `.tooLarge` beyond the limits.
    public func read() async throws(StorageError) -> [UInt8] {
        try await pool.blocking { [archive] () throws(StorageError) in try archive.read() }
    }
}
