import Glibc
import Model
import Reactor
import Storage
import TestSupport
import Testing

@Suite("A stored zip")
struct ZipExtractorTests {
    private let limits = ZipExtractor.Limits(bytes: .mebibytes(1), entries: 10)

    /// Stores a zip, unpacks it, and returns base names with contents.
    private func unpack(
        _ bytes: [UInt8], limits: ZipExtractor.Limits? = nil, skip: Set<String> = []
    ) async throws -> [(entry: ZipEntry, content: [UInt8])] {
        var found: [(entry: ZipEntry, content: [UInt8])] = []
        try await ScratchFolder.run { folder in
            let store = DirectoryStore(folder: folder.path, pool: BlockingPool(threads: 1), sync: false, minFree: 0)
            try await store.put("t/fetched.zip", bytes)
            let zip = try await ZipExtractor.open(key: "t/fetched.zip", in: store, limits: limits ?? self.limits)
            while let entry = try await zip.nextEntry() {
                var content: [UInt8] = []
                while !skip.contains(entry.baseName) {
                    let piece = try await zip.read()
                    if piece.isEmpty { break }
                    content += piece
                }
                found.append((entry, content))
            }
        }
        return found
    }

    private func failure(_ bytes: [UInt8], limits: ZipExtractor.Limits? = nil) async -> StorageError? {
        do {
            _ = try await unpack(bytes, limits: limits)
            return nil
        } catch {
            return error as? StorageError
        }
    }

    @Test("gives files with base names; folders and links are passed over")
    func entries() async throws {
        var zip = ZipMaker()
        zip.add("photos/", [], mode: 0o040_755)
        zip.add("photos/IMG_1.JPG", pattern(600_000))
        zip.add("link", Array("/etc/passwd".utf8), mode: 0o120_777)
        zip.add("straße/Größe.jpg", [3])
        zip.add("../../evil.txt", [4])
        zip.add("a\\win.jpg", [5])
        zip.add("empty.txt", [])
        let found = try await unpack(zip.bytes)
        #expect(found.map(\.entry.baseName) == ["IMG_1.JPG", "Größe.jpg", "evil.txt", "win.jpg", "empty.txt"])
        #expect(found.map(\.content) == [pattern(600_000), [3], [4], [5], []])
        #expect(found.first?.entry.path == "photos/IMG_1.JPG")
        #expect(found.first?.entry.claimedSize == ByteCount(600_000))
    }

    @Test("an entry that isn't read is skipped")
    func skipping() async throws {
        var zip = ZipMaker()
        zip.add("a", pattern(500_000))
        zip.add("b", [2])
        #expect(try await unpack(zip.bytes, skip: ["a"]).map(\.content) == [[], [2]])
    }

    @Test("more bytes or files than allowed end the unpacking")
    func bombs() async throws {
        var large = ZipMaker()
        large.add("a", pattern(700_000))
        large.add("b", pattern(700_000))
        #expect(await failure(large.bytes)?.code == .tooLarge)
        var many = ZipMaker()
        for number in 0..<11 { many.add("\(number)", []) }
        #expect(await failure(many.bytes)?.code == .tooLarge)
        #expect(await failure(many.bytes, limits: .init(bytes: 1, entries: 11)) == nil)
    }

    @Test("what isn't a whole zip is refused")
    func malformed() async throws {
        var zip = ZipMaker()
        zip.add("a", pattern(1_000))
        #expect(await failure(Array("no zip at all".utf8))?.code == .malformedArchive)
        #expect(await failure([])?.code == .malformedArchive)
        #expect(await failure(Array(zip.bytes.dropLast(30)))?.code == .malformedArchive)
        var wrong = ZipMaker()
        wrong.add("a", pattern(1_000), checksum: 1)
        #expect(await failure(wrong.bytes)?.code == .malformedArchive)
        var encrypted = ZipMaker()
        encrypted.add("a", pattern(1_000), flags: 0x0801)
        #expect(await failure(encrypted.bytes)?.code == .malformedArchive)
    }

    @Test("damage anywhere ends in an error or other bytes, never in a crash")
    func damage() async throws {
        var zip = ZipMaker()
        zip.add("a/b.jpg", pattern(200))
        zip.add("c.txt", pattern(50))
        let whole = zip.bytes
        for position in stride(from: 0, to: whole.count, by: 3) {
            var bytes = whole
            bytes[position] ^= 0xFF
            _ = await failure(bytes)
        }
    }
}
