import Model
import Storage

/// The uploaded files of a world, by key; it outlives every life of the gateway.
///
/// Invariant of `@unchecked Sendable`: used on the thread of its world only.
final class SimulatedStorage: ObjectStore, @unchecked Sendable {
    private(set) var keys: Set<String> = []
    private unowned let world: World

    init(_ world: World) { self.world = world }

    func put(_ key: String) { keys.insert(key) }
    func has(_ key: String) -> Bool { keys.contains(key) }

    func prepare() async throws(StorageError) {}
    func identity() async throws(StorageError) -> String? { nil }
    func establishIdentity(_ id: String) async throws(StorageError) -> String { id }
    func removeUnfinished(untouchedSince moment: Timestamp) async throws(StorageError) -> Int { 0 }
    func write(key: String) async throws(StorageError) -> any ObjectWriter { throw nothing }
    func read(key: String, from offset: Int64) async throws(StorageError) -> any ObjectReader { throw nothing }
    func size(key: String) async throws(StorageError) -> Int64 {
        guard keys.contains(key) else { throw nothing }
        return 10
    }
    func remove(key: String) async throws(StorageError) { keys.remove(key) }

    func remove(prefix: String) async throws(StorageError) {
        let gone = keys.filter { $0.hasPrefix(prefix + "/") }
        if !gone.isEmpty { world.referee.inputsRemoved(of: String(prefix.prefix { $0 != "/" })) }
        keys.subtract(gone)
    }

    func list(prefix: String, after: String?, limit: Int) async throws(StorageError) -> [ListedObject] { [] }
    func freeBytes() async -> ByteCount? { nil }
    private var nothing: StorageError { StorageError(.notFound, "nothing is stored here") }
}
