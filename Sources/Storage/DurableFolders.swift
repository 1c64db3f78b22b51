import Glibc
import Synchronization

/// Which folders are known to survive a power cut: their entry in the folder above was fsync'ed since they were made.
///
/// Without it, two uploads into a new folder could race: the one that finds the folder already made would answer before
/// the other has made it durable. After a restart nothing is known, and a folder is fsync'ed once more.
final class DurableFolders: Sendable {
    private let known = Mutex<Set<String>>([])
    private static let capacity = 10_000

    /// Makes the folders above an object durable, the topmost first. The object's own folder is synced by its writer.
    func settle(_ key: StorageKey, in tree: DirectoryTree) throws(StorageError) {
        let missing = key.ancestors.enumerated().filter { path in known.withLock { !$0.contains(path.element) } }
        guard !missing.isEmpty else { return }
        for (depth, path) in missing {
            let parent = try tree.openFolder(Array(key.folders[..<depth]), make: false)
            try system("folder above \(path)") { fsync(parent.number) }
            known.withLock { folders in
                if folders.count >= Self.capacity { folders.removeAll() }
                folders.insert(path)
            }
        }
    }

    /// Forgets a folder that is about to be removed, and all below it.
    func forget(_ prefix: String) {
        known.withLock { folders in
            folders = folders.filter { $0 != prefix && !$0.hasPrefix(prefix + "/") }
        }
    }
}
