import Glibc
import Model

/// One page of a walk over the storage folder, in the order of whole keys' bytes, which is S3's.
struct DirectoryListing {
    private let after: String?
    private let limit: Int
    private(set) var found: [ListedObject] = []

    init(after: String?, limit: Int) {
        self.after = after
        self.limit = max(1, limit)
    }

    /// Adds what lies in a folder whose path from the top is given (empty for the top itself).
    mutating func walk(_ folder: borrowing OwnedDescriptor, path: String, depth: Int = 0) throws(StorageError) {
        guard depth < StorageKey.maximumDepth else { return }
        for entry in try Self.entries(of: folder) {
            guard found.count < limit else { return }
            let key = path.isEmpty ? entry.name : path + "/" + entry.name
            guard entry.isFolder else {
                if after.map({ key > $0 }) ?? true { found.append(entry.object(key)) }
                continue
            }
            if isBehind(key + "/") { continue }
            try walkChild(entry.name, in: folder, path: key, depth: depth + 1)
        }
    }

    /// Whether the last page ended after all that begins with this.
    private func isBehind(_ start: String) -> Bool {
        guard let after else { return false }
        return start < after && !after.hasPrefix(start)
    }

    private mutating func walkChild(_ name: String, in parent: borrowing OwnedDescriptor, path: String, depth: Int)
        throws(StorageError)
    {
        let folder: OwnedDescriptor
        do { folder = try DirectoryTree.openFolder(name, in: parent) } catch {
            // Removed since it was listed.
            if error.code == .notFound { return }
            throw error
        }
        try walk(folder, path: path, depth: depth)
    }

    private struct Entry {
        var name: String
        var isFolder: Bool
        var size: Int64
        var modified: Int64
        /// A folder's keys go on with a slash, which counts in their order.
        var order: String { isFolder ? name + "/" : name }

        func object(_ key: String) -> ListedObject {
            ListedObject(key: key, size: ByteCount(size), modified: Timestamp(milliseconds: modified))
        }
    }

    /// What may belong to a key: the store's own marks, links and whatever else people put there are passed over.
    private static func entries(of folder: borrowing OwnedDescriptor) throws(StorageError) -> [Entry] {
        var entries: [Entry] = []
        for name in try DirectoryTree.names(in: folder) where StorageKey.isSegment(name) {
            guard let status = try DirectoryTree.status(of: name, in: folder) else { continue }
            guard status.isFolder || status.isFile else { continue }
            entries.append(
                Entry(
                    name: name, isFolder: status.isFolder, size: Int64(status.st_size),
                    modified: status.modifiedMilliseconds))
        }
        return entries.sorted { $0.order < $1.order }
    }
}
