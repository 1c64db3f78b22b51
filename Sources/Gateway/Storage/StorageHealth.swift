import Synchronization

/// Whether the storage is the one that the record was made with.
///
/// Written by `StorageWatch`, read by everything that stores files.
final class StorageHealth: Sendable {
    private let trouble = Mutex<String?>(nil)

    /// What is wrong, for people; nil while all is well.
    var problem: String? { trouble.withLock { $0 } }

    /// Notes what is wrong.
    /// - Returns: whether that is news.
    func note(_ problem: String?) -> Bool {
        trouble.withLock { trouble in
            defer { trouble = problem }
            return trouble != problem
        }
    }

    /// Refuses work on files.
    /// - Throws: `tryAgain`: clients come back, and the files of another place aren't mixed with ours.
    func check() throws(APIError) {
        if let problem { throw .tryAgain(problem) }
    }
}
