internal import Model
internal import Reactor
internal import Storage

/// Looks whether results are a whole zip: every entry's checksum is read.
enum ResultCheck {
    /// - Parameters:
    ///   - folder: above the zip's own.
    ///   - name: of the zip, with its own folder.
    ///   - pool: does the work.
    /// - Returns: how many files it holds.
    /// - Throws: `CommandError` for a broken one.
    static func files(in folder: String, _ name: String, pool: BlockingPool) async throws -> Int {
        let store = DirectoryStore(folder: folder, pool: pool, sync: false, minFree: 0)
        do throws(StorageError) {
            let zip = try await ZipExtractor.open(
                key: name, in: store, limits: .init(bytes: .gibibytes(4), entries: 10_000))
            var count = 0
            while try await zip.nextEntry() != nil {
                while case let bytes = try await zip.read(), !bytes.isEmpty {}
                count += 1
            }
            return count
        } catch {
            throw CommandError("\(folder)/\(name) is no whole zip: \(error.message)")
        }
    }
}
