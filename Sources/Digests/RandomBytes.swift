import CSSL

/// Bytes of libcrypto's cryptographically secure generator.
public enum RandomBytes {
    /// So many fresh random bytes.
    public static func make(_ count: Int) -> [UInt8] {
        guard count > 0 else { return [] }
        var bytes = [UInt8](repeating: 0, count: count)
        // Without randomness every token and identity would be guessable: the program can't go on.
        guard RAND_bytes(&bytes, Int32(clamping: count)) == 1 else { fatalError("no randomness from libcrypto") }
        return bytes
    }

    /// A random text of lower case hexadecimal digits, two for each of so many bytes.
    public static func hexadecimal(bytes: Int) -> String { Hexadecimal.encode(make(bytes)) }
}
