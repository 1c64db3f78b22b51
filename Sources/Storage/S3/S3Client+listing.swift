import HTTPTypes
import Model

/// Listings.
extension S3Client {
    /// Lists objects, a page at a time.
    /// - Parameters:
    ///   - bucket: where to look.
    ///   - prefix: what the keys begin with; empty for all.
    ///   - page: `next` of the page before; nil for the first one.
    ///   - after: on the first page, the key behind which it begins.
    ///   - delimiter: rolls up what follows it behind the prefix; nil lists everything.
    ///   - limit: the most entries of the page, 1 to 1,000.
    /// - Returns: a page; fewer than `limit` don't mean that it is the last.
    /// - Throws: `.noSuchBucket`, `.accessDenied`, `.unreachable`.
    public func list(
        bucket: String, prefix: String, page: String? = nil, after: String? = nil, delimiter: String? = nil,
        limit: Int = 1000
    ) async throws(StorageError) -> S3Listing {
        var call = S3Call("ListObjectsV2", .get, bucket)
        call.query = [
            ("list-type", "2"), ("encoding-type", "url"), ("max-keys", String(min(max(1, limit), 1000))),
            ("prefix", prefix),
        ]
        if let page { call.query.append(("continuation-token", page)) }
        if let after, page == nil { call.query.append(("start-after", after)) }
        if let delimiter { call.query.append(("delimiter", delimiter)) }
        let answer = try await document(call, beginning: "ListBucket")
        let isEncoded = answer.text(of: "EncodingType") == "url"
        var listing = S3Listing()
        listing.objects = try answer.all("Contents").map { element throws(StorageError) in
            guard let object = Self.object(element, isEncoded) else { throw malformed(call, "an entry without a key") }
            return object
        }
        listing.prefixes = answer.all("CommonPrefixes").compactMap { $0.text(of: "Prefix") }
            .map { Self.decode($0, isEncoded) }
        if answer.text(of: "IsTruncated") == "true" {
            guard let next = answer.text(of: "NextContinuationToken"), !next.isEmpty, next != page else {
                throw malformed(call, "a page that has no next one and isn't the last")
            }
            listing.next = next
        }
        return listing
    }

    private static func object(_ element: XMLElement, _ isEncoded: Bool) -> S3Object? {
        guard let key = element.text(of: "Key"), let size = element.text(of: "Size").flatMap({ Int64($0) }), size >= 0
        else { return nil }
        let modified = element.text(of: "LastModified").flatMap(S3Time.parseISO8601)
        return S3Object(
            key: decode(key, isEncoded), size: ByteCount(size), etag: element.text(of: "ETag"),
            modified: modified.map { Timestamp(milliseconds: $0) })
    }

    /// S3 encodes as forms do: a blank may come as `+`, which itself comes as `%2B`.
    static func decode(_ text: String, _ isEncoded: Bool) -> String {
        isEncoded ? PercentEncoding.decodeLeniently(text.utf8, plusIsBlank: true) : text
    }
}
