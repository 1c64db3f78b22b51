internal import Model
internal import Storage

/// Lists objects of a client's bucket, a page at a time.
protocol ObjectLister: Sendable {
    /// One page of what begins with a place's prefix.
    /// - Parameters:
    ///   - place: where to look.
    ///   - page: `next` of the page before; nil for the first one.
    ///   - isFlat: whether what lies in folders below may be left out.
    /// - Returns: the objects, in the order of their keys, and what the next page is asked for by; nil after the last one.
    /// - Throws: the store's errors.
    func page(of place: S3URL, after page: String?, isFlat: Bool) async throws(StorageError) -> S3Listing
}

extension S3Client: ObjectLister {
    func page(of place: S3URL, after page: String?, isFlat: Bool) async throws(StorageError) -> S3Listing {
        try await list(bucket: place.bucket, prefix: place.prefix, page: page, delimiter: isFlat ? "/" : nil)
    }
}
