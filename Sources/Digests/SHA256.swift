import CSSL

/// SHA-256 over bytes that arrive in pieces.
///
/// One value hashes one stream at a time: `finish()` hands out the digest and starts anew, so that a connection or a
/// writer keeps one libcrypto context for its life.
public struct SHA256: ~Copyable {
    private let context: OpaquePointer

    /// Starts with no bytes.
    public init() {
        // A few dozen bytes that can't be had: nothing else could go on either.
        guard let context = EVP_MD_CTX_new() else { fatalError("libcrypto is out of memory") }
        self.context = context
        restart()
    }

    deinit { EVP_MD_CTX_free(context) }

    /// Takes the next bytes of the stream.
    /// - Parameter bytes: read during the call only.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress, !bytes.isEmpty else { return }
        check(EVP_DigestUpdate(context, start, bytes.count))
    }

    /// Takes the next bytes of the stream.
    /// - Parameter bytes: read during the call only.
    public mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }

    /// The digest of all bytes since the start or the last `finish()`; the next stream begins.
    public mutating func finish() -> SHA256Digest {
        let digest = ended()
        restart()
        return digest
    }

    private func ended() -> SHA256Digest {
        SHA256Digest { output in check(EVP_DigestFinal_ex(context, output, nil)) }
    }

    /// The digest of bytes that are all there.
    public static func digest(of bytes: UnsafeRawBufferPointer) -> SHA256Digest {
        var hash = SHA256()
        hash.update(bytes)
        return hash.ended()
    }

    /// The digest of bytes that are all there.
    public static func digest(of bytes: [UInt8]) -> SHA256Digest {
        bytes.withUnsafeBytes { digest(of: $0) }
    }

    /// The digest of a text's UTF-8, such as a token's.
    public static func digest(of text: String) -> SHA256Digest {
        var text = text
        return text.withUTF8 { digest(of: UnsafeRawBufferPointer($0)) }
    }

    private func restart() { check(EVP_DigestInit_ex(context, Algorithm.sha256, nil)) }

    /// SHA-256 has no error of its own: a refusal means a broken or misconfigured libcrypto, and a wrong digest would
    /// be worse than the end of the program.
    private func check(_ result: Int32) {
        guard result == 1 else { fatalError("libcrypto refused SHA-256") }
    }
}

/// The algorithm, looked up once: libcrypto 3 otherwise searches its providers at each start of a digest.
private enum Algorithm {
    // Invariant: set once by the language's thread-safe initialiser, never freed; libcrypto's method objects are immutable.
    nonisolated(unsafe) static let sha256: OpaquePointer = {
        // Every libcrypto has it, unless its configuration is broken: then no upload could be checked.
        guard let method = EVP_MD_fetch(nil, "SHA256", nil) else { fatalError("libcrypto has no SHA-256") }
        return method
    }()
}
