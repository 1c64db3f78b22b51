import HTTPTypes

/// What may stand where in a request, whoever thought of it.
enum S3Names {
    /// Throws `.noSuchBucket` for a name that no bucket has, `.invalidKey` for a key that no object has.
    static func check(bucket: String, key: String?) throws(StorageError) {
        guard isBucket(bucket) else {
            throw StorageError(.noSuchBucket, "\"\(bucket.prefix(80))\" is not the name of a bucket")
        }
        guard let key else { return }
        guard (1...1024).contains(key.utf8.count), !key.utf8.contains(0) else {
            throw StorageError(
                .invalidKey, "\"\(key.prefix(80))\" is not the key of an object: it has 1 to 1,024 bytes, and no NUL")
        }
    }

    /// AWS's rule, and the capitals and underscores of its oldest buckets and of other stores.
    static func isBucket(_ name: String) -> Bool {
        (3...255).contains(name.utf8.count) && name.utf8.first != 0x2E && !name.contains("..") && isPlain(name)
    }

    /// A region goes into a host's name: letters, digits and hyphens.
    static func isRegion(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count) && isPlain(name) && !name.contains(".")
    }

    private static func isPlain(_ name: String) -> Bool {
        name.utf8.allSatisfy { byte in
            ASCII.isDigit(byte) || ASCII.lowercased(byte) &- 0x61 < 26 || byte == ASCII.hyphen || byte == 0x2E
                || byte == 0x5F
        }
    }
}
