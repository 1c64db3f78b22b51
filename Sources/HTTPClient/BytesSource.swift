internal import Synchronization

/// A body that lies in memory.
public final class BytesSource: BodySource {
    private let bytes: [UInt8]
    private let position = Mutex(0)

    /// A source of these bytes.
    public init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The next bytes.
    public func read(upTo limit: Int) -> [UInt8] {
        position.withLock { position in
            let end = min(bytes.count, position + limit)
            defer { position = end }
            return Array(bytes[position..<end])
        }
    }

    /// Always possible.
    public func rewind() -> Bool {
        position.withLock { $0 = 0 }
        return true
    }
}
