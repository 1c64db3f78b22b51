import HTTPTypes

/// Copies inside an object store: nothing of the object passes through the gateway.
extension S3Client {
    /// The largest object that is copied at once, by S3's rule; larger ones go in parts.
    private static let wholeCopy: Int64 = 5 << 30
    private static let partCopy: Int64 = 1 << 30

    /// Copies an object, in the place of one that may be there.
    /// - Parameters:
    ///   - bucket: where it is.
    ///   - key: what it is.
    ///   - size: its size in bytes.
    ///   - target: the bucket of the copy.
    ///   - copy: the key of the copy.
    /// - Throws: `.notFound` where there is no such object.
    public func copy(
        bucket: String, key: String, size: Int64, to target: String, key copy: String
    ) async throws(StorageError) {
        try S3Names.check(bucket: bucket, key: key)
        let source = "/\(bucket)/\(PercentEncoding.encode(key, keeping: "/"))"
        guard size > Self.wholeCopy else {
            var call = S3Call("CopyObject", .put, target, key: copy)
            call.fields = [("x-amz-copy-source", source)]
            call.mayFailLate = true
            call.patience = .seconds(300)
            _ = try await document(call, beginning: "CopyObject")
            return
        }
        let id = try await createUpload(bucket: target, key: copy)
        do throws(StorageError) {
            var parts: [Part] = []
            for start in stride(from: 0, to: size, by: Int(Self.partCopy)) {
                let end = min(start + Self.partCopy, size)
                parts.append(
                    try await copyPart(
                        of: source, start..<end, to: target, key: copy, id: id, number: parts.count + 1))
            }
            try await completeUpload(bucket: target, key: copy, id: id, parts)
        } catch {
            try? await abortUpload(bucket: target, key: copy, id: id)
            throw error
        }
    }

    /// Makes a part of an upload of bytes that the store has already.
    func copyPart(
        of source: String, _ bytes: Range<Int64>, to bucket: String, key: String, id: String, number: Int
    ) async throws(StorageError) -> Part {
        var call = S3Call("UploadPartCopy", .put, bucket, key: key)
        call.query = [("partNumber", String(number)), ("uploadId", id)]
        call.fields = [
            ("x-amz-copy-source", source),
            ("x-amz-copy-source-range", "bytes=\(bytes.lowerBound)-\(bytes.upperBound - 1)"),
        ]
        call.mayFailLate = true
        call.patience = .seconds(300)
        let answer = try await document(call, beginning: "CopyPart")
        guard let etag = answer.text(of: "ETag") else { throw malformed(call, "no ETag") }
        return Part(number: number, etag: etag)
    }
}
