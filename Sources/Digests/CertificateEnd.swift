internal import CSSL
import Glibc

/// Until when the certificates of a PEM file are valid.
public enum CertificateEnd {
    /// The earliest end among the certificates of a file.
    /// - Parameters:
    ///   - path: a PEM file. It is read here and now: not on a loop.
    ///   - most: a file with more certificates is a collection, in which some are always about to end.
    /// - Returns: seconds since 1970; nil where the file can't be read, or holds no certificate or too many.
    public static func earliest(inFile path: String, atMost most: Int = 8) -> Int64? {
        guard let source = BIO_new_file(path, "r") else {
            ERR_clear_error()
            return nil
        }
        defer { BIO_free(source) }
        var earliest: Int64?
        var count = 0
        // The callback has no passphrase: without it libcrypto would ask at the terminal.
        while let certificate = PEM_read_bio_X509(source, nil, { _, _, _, _ in 0 }, nil) {
            defer { X509_free(certificate) }
            count += 1
            guard let end = seconds(of: certificate) else { continue }
            earliest = min(earliest ?? end, end)
        }
        // The file's end is an error to this reader.
        ERR_clear_error()
        return count > most ? nil : earliest
    }

    private static func seconds(of certificate: OpaquePointer) -> Int64? {
        var parts = tm()
        guard ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &parts) == 1 else { return nil }
        return Int64(timegm(&parts))
    }
}
