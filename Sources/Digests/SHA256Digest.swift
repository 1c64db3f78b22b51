/// The 32 bytes of a SHA-256.
public struct SHA256Digest: Hashable, Sendable, CustomStringConvertible {
    private var words: (UInt64, UInt64, UInt64, UInt64)

    /// A digest whose bytes a C function writes.
    init(_ write: (UnsafeMutablePointer<UInt8>) -> Void) {
        words = (0, 0, 0, 0)
        withUnsafeMutableBytes(of: &words) { bytes in
            guard let start = bytes.bindMemory(to: UInt8.self).baseAddress else { return }
            write(start)
        }
    }

    /// Wraps bytes that someone else hashed.
    /// - Parameter bytes: exactly 32, anything else gives nil.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        words = (0, 0, 0, 0)
        withUnsafeMutableBytes(of: &words) { $0.copyBytes(from: bytes) }
    }

    /// Parses 64 hexadecimal digits in either case, as an inventory lists its tokens.
    /// - Parameter text: anything else gives nil.
    public init?(hexadecimal text: some StringProtocol) {
        guard text.utf8.count == 64, let bytes = Hexadecimal.decode(text) else { return nil }
        self.init(bytes: bytes)
    }

    /// The bytes.
    public var bytes: [UInt8] { withUnsafeBytes { Array($0) } }

    /// 64 lower case hexadecimal digits.
    public var hexadecimal: String { withUnsafeBytes { Hexadecimal.encode($0) } }

    /// As `hexadecimal`.
    public var description: String { hexadecimal }

    /// A view of the 32 bytes, without a copy; the pointer is valid during the call.
    public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        Swift.withUnsafeBytes(of: words) { body($0) }
    }

    /// Compares without telling by its time where two digests differ.
    public static func == (left: SHA256Digest, right: SHA256Digest) -> Bool {
        left.withUnsafeBytes { first in right.withUnsafeBytes { second in ConstantTime.equal(first, second) } }
    }

    /// A digest is its own hash: its first eight bytes do.
    public func hash(into hasher: inout Hasher) { hasher.combine(words.0) }
}
