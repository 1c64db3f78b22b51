import CSSL

/// Keyed digests: HMAC with SHA-256 (RFC 2104), as S3's signatures and webhooks' proofs use it.
public enum HMACSHA256 {
    /// The code of a message under a key of any length; one longer than 64 bytes is hashed first, as the RFC says.
    public static func code(of message: [UInt8], key: [UInt8]) -> SHA256Digest {
        SHA256Digest { output in
            // An empty array may have no address, which HMAC() reads as "the key of the last call".
            let padded = key.isEmpty ? [0] : key
            let result = HMAC(EVP_sha256(), padded, Int32(clamping: key.count), message, message.count, output, nil)
            // HMAC-SHA-256 can't fail for lack of anything but memory.
            guard result != nil else { fatalError("libcrypto refused HMAC-SHA-256") }
        }
    }

    /// The code of a text's UTF-8 under a key of any length.
    public static func code(of message: String, key: [UInt8]) -> SHA256Digest {
        code(of: Array(message.utf8), key: key)
    }
}
