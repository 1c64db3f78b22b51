internal import Configuration
internal import Digests
internal import Reactor
internal import Storage

/// The storage: an object is written and removed, by all that the gateway itself would need for it.
extension InventoryProbe {
    func storage(_ places: StoragePlaces) async -> ProbeResult {
        if places.bucket == nil {
            let path = inventory.storage.directory
            if let absence = try? await pool.run({ Self.absence(of: path) }) {
                let detail = "\(path)\(absence.isGood ? "" : ":") \(absence.detail)"
                return absence.isGood ? Self.good("storage", detail) : Self.bad("storage", detail)
            }
        }
        do throws(StorageError) {
            if let bucket = places.bucket { try await bucket.prepare() }
            try await writeAndRemove(in: places)
        } catch {
            return Self.bad("storage", "\(places.name): \(error.message)")
        }
        let free = await places.files.freeBytes().map { ", \($0) free" } ?? ""
        return Self.good("storage", "\(places.name): written and removed\(free)")
    }

    private func writeAndRemove(in places: StoragePlaces) async throws(StorageError) {
        // In a bucket another probe may be at work; in a folder nothing is to stay.
        let prefix = places.bucket == nil ? "probe" : "probe/\(Hexadecimal.encode(RandomBytes.make(8)))"
        let writer = try await places.files.write(
            key: "\(prefix)/\(Hexadecimal.encode(RandomBytes.make(8)))", atMost: 512)
        do throws(StorageError) {
            try await writer.append(contentsOf: [UInt8](repeating: 0, count: 512))
            _ = try await writer.finish()
        } catch {
            await writer.abort()
            throw error
        }
        try await places.files.remove(prefix: prefix)
    }
}
