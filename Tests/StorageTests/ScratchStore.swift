import Model
import Reactor
import Storage
import TestSupport
import Testing

/// A store of each kind for one test, in a place of its own.
struct ScratchStore: Sendable, CustomTestStringConvertible {
    /// The kinds that the suite runs on.
    enum Kind: String, CaseIterable, Sendable {
        case directory
        case directoryWithoutSync
        case directoryInline
        case moto
        case rclone
        /// Any store that the environment names; see `ScratchBucket.real`.
        case real
    }

    let kind: Kind

    static let all = Kind.allCases.filter { $0 != .real || ScratchBucket.hasReal }.map { ScratchStore(kind: $0) }

    var testDescription: String { kind.rawValue }

    /// Runs a test on a fresh store, which is removed afterwards.
    func run(_ body: (any ObjectStore) async throws -> Void) async throws {
        switch kind {
        case .directory, .directoryWithoutSync, .directoryInline:
            try await ScratchFolder.run { folder in
                let store = DirectoryStore(
                    folder: folder.path + "/a/storage", pool: BlockingPool(threads: kind == .directoryInline ? 0 : 2),
                    sync: kind != .directoryWithoutSync, minFree: 0)
                try await store.prepare()
                try await body(store)
            }
        case .moto: try await ScratchBucket.shared(.moto).withStore(body)
        case .rclone: try await ScratchBucket.shared(.rclone).withStore(body)
        case .real: try await ScratchBucket.real().withStore(body)
        }
    }
}

extension ObjectWriter {
    /// Appends bytes that the test owns.
    func append(_ bytes: [UInt8]) async throws(StorageError) {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        defer { copy.deallocate() }
        copy.copyBytes(from: bytes)
        try await append(UnsafeRawBufferPointer(copy))
    }
}

extension ObjectStore {
    /// Stores bytes in pieces.
    @discardableResult
    func put(_ key: String, _ bytes: [UInt8], piece: Int = 65_536) async throws(StorageError) -> StoredObject {
        let writer = try await write(key: key)
        var rest = bytes[...]
        while !rest.isEmpty {
            try await writer.append(Array(rest.prefix(piece)))
            rest = rest.dropFirst(piece)
        }
        return try await writer.finish()
    }

    /// Reads all from an offset on.
    func get(_ key: String, from offset: Int64 = 0, piece: Int = 65_536) async throws(StorageError) -> [UInt8] {
        let reader = try await read(key: key, from: offset)
        var content: [UInt8] = []
        while true {
            let bytes = try await reader.read(upTo: piece)
            if bytes.isEmpty { break }
            content.append(contentsOf: bytes)
        }
        await reader.close()
        return content
    }
}

/// The code that a call fails with; nil where it doesn't.
func code(of call: () async throws(StorageError) -> Void) async -> StorageError.Code? {
    do throws(StorageError) {
        try await call()
        return nil
    } catch {
        return error.code
    }
}

/// Bytes that look random and are the same each time.
func pattern(_ count: Int) -> [UInt8] {
    // Debug builds are slow at single bytes: a block of them is repeated, with its number in front.
    [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
        for start in stride(from: 0, to: count, by: patternBlock.count) {
            let part = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[start..<count])
            part.copyBytes(from: patternBlock.prefix(part.count))
            withUnsafeBytes(of: start / patternBlock.count) { part.copyBytes(from: $0.prefix(min(4, part.count))) }
        }
        filled = count
    }
}

private let patternBlock: [UInt8] = {
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    return (0..<65_521).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 33)
    }
}()
