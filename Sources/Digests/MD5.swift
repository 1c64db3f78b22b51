import CSSL

/// MD5, for the `Content-MD5` that S3 asks of a request to delete several objects. No protection against anybody.
public enum MD5 {
    /// The digest of bytes that are all there; nil where libcrypto's configuration forbids MD5.
    public static func digest(of bytes: [UInt8]) -> [UInt8]? {
        var output = [UInt8](repeating: 0, count: 16)
        return EVP_Digest(bytes, bytes.count, &output, nil, EVP_md5(), nil) == 1 ? output : nil
    }
}
