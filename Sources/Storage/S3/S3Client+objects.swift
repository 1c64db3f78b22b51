import Digests
import HTTPClient
import HTTPTypes
import Model

/// Buckets and single objects.
extension S3Client {
    /// Asks whether a bucket is there and may be used.
    /// - Throws: `.noSuchBucket`, `.accessDenied`, `.unreachable`.
    public func check(bucket: String) async throws(StorageError) {
        _ = try await send(S3Call("HeadBucket", .head, bucket))
    }

    /// Asks what an object is.
    /// - Throws: `.notFound`; with credentials that may not list the bucket, `.accessDenied` for a missing one.
    public func head(bucket: String, key: String) async throws(StorageError) -> S3Object {
        let response = try await send(S3Call("HeadObject", .head, bucket, key: key))
        guard let size = response.fields[.contentLength].flatMap({ Int64($0) }), size >= 0 else {
            throw malformed(S3Call("HeadObject", .head, bucket, key: key), "no length")
        }
        return Self.object(key, size: size, response.fields)
    }

    /// Opens an object, or a part of it, and reads it as a stream that survives the store's own time-outs.
    /// - Parameters:
    ///   - bucket: where it is.
    ///   - key: what it is.
    ///   - range: which bytes; nil for all, one that ends beyond the object's end for what there is of it.
    ///   - etag: an entity tag that it has to have, with its quotes; nil for any.
    /// - Returns: a stream of the bytes, with what the store said of the object.
    /// - Throws: `.notFound`, and `.changed` where it has another entity tag.
    public func open(
        bucket: String, key: String, range: Range<Int64>? = nil, etag: String? = nil
    ) async throws(StorageError) -> S3Reader {
        try await S3Reader.open(S3Reader.Place(client: self, bucket: bucket, key: key), range: range, etag: etag)
    }

    /// Reads a small object whole.
    /// - Parameters:
    ///   - bucket: where it is.
    ///   - key: what it is.
    ///   - limit: bytes beyond which it isn't what was meant.
    /// - Returns: all of it.
    /// - Throws: `.notFound`, `.tooLarge`.
    public func read(bucket: String, key: String, atMost limit: Int) async throws(StorageError) -> [UInt8] {
        let reader = try await open(bucket: bucket, key: key)
        guard reader.size <= limit else {
            await reader.close()
            throw StorageError(
                .tooLarge, "\(bucket)/\(key.prefix(200)) has \(reader.size) bytes; \(limit) were expected")
        }
        var bytes: [UInt8] = []
        while case let more = try await reader.read(upTo: limit), !more.isEmpty { bytes += more }
        return bytes
    }

    /// Stores a small object, in the place of one that may be there.
    /// - Returns: its entity tag.
    @discardableResult
    public func put(
        bucket: String, key: String, _ bytes: [UInt8], contentType: String = "application/octet-stream"
    ) async throws(StorageError) -> String? {
        try await put(bucket: bucket, key: key, .bytes(bytes), contentType: contentType)
    }

    func put(
        bucket: String, key: String, _ payload: S3Payload, contentType: String = "application/octet-stream"
    ) async throws(StorageError) -> String? {
        var call = S3Call("PutObject", .put, bucket, key: key)
        call.fields = [(.contentType, contentType)]
        call.payload = payload
        return try await send(call).fields[.etag]
    }

    /// Removes one object; one that isn't there is removed already.
    public func delete(bucket: String, key: String) async throws(StorageError) {
        do throws(StorageError) {
            _ = try await send(S3Call("DeleteObject", .delete, bucket, key: key))
        } catch {
            if error.code != .notFound { throw error }
        }
    }

    /// Removes objects, 1,000 a request; those that aren't there are removed already.
    /// - Returns: those that the store kept, each with its reason.
    public func delete(bucket: String, keys: [String]) async throws(StorageError) -> [S3DeleteFailure] {
        var failures: [S3DeleteFailure] = []
        for start in stride(from: 0, to: keys.count, by: 1000) {
            failures += try await deletePage(bucket, Array(keys[start..<min(start + 1000, keys.count)]))
        }
        return failures
    }

    private func deletePage(_ bucket: String, _ keys: [String]) async throws(StorageError) -> [S3DeleteFailure] {
        // XML has no way to write most control characters.
        let (odd, plain) = (keys.filter(Self.isUnwritable), keys.filter { !Self.isUnwritable($0) })
        for key in odd { try await delete(bucket: bucket, key: key) }
        guard !plain.isEmpty else { return [] }
        let objects = plain.map { "<Object><Key>\(XMLElement.escape($0))</Key></Object>" }.joined()
        let xmlns = "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""
        let body = Array("<Delete \(xmlns)><Quiet>true</Quiet>\(objects)</Delete>".utf8)
        var call = S3Call("DeleteObjects", .post, bucket)
        call.query = [("delete", "")]
        call.fields = [(.contentType, "application/xml")]
        if let digest = MD5.digest(of: body) { call.fields.append(("Content-MD5", Base64.encode(digest))) }
        call.payload = .bytes(body)
        call.mayFailLate = true
        let answer = try await document(call, beginning: "Delete")
        return answer.all("Error").map { error in
            S3DeleteFailure(
                key: error.text(of: "Key") ?? "", code: error.text(of: "Code") ?? "",
                message: error.text(of: "Message") ?? "")
        }.filter { $0.code != "NoSuchKey" }
    }

    private static func isUnwritable(_ key: String) -> Bool { key.utf8.contains { $0 < 0x20 } }

    /// A URL by which anybody reads an object, without another credential.
    /// - Parameters:
    ///   - bucket: where it is.
    ///   - key: what it is; nobody looks whether it is there.
    ///   - duration: for how long it holds, 1 s to 7 days; with temporary credentials no longer than they do.
    ///   - disposition: the Content-Disposition of the answer.
    ///   - contentType: the Content-Type of the answer.
    /// - Returns: the URL, on `publicEndpoint` where there is one.
    /// - Throws: `.accessDenied` without credentials; `.noSuchBucket` and `.invalidKey` for what are no names.
    public func presign(
        bucket: String, key: String, for duration: Duration = .seconds(3600), disposition: String? = nil,
        contentType: String? = nil
    ) async throws(StorageError) -> String {
        try S3Names.check(bucket: bucket, key: key)
        let signer = try await signer(for: S3Call("GetObject", .get, bucket, key: key))
        let address = (configuration.publicEndpoint ?? configuration.endpoint).address(
            bucket: bucket, key: key, region: signer.region, pathStyle: configuration.pathStyle)
        var query: [(name: String, value: String)] = []
        if let disposition { query.append(("response-content-disposition", disposition)) }
        if let contentType { query.append(("response-content-type", contentType)) }
        let request = SigV4Signer.Request(
            method: "GET", path: address.path, query: query, fields: [("host", address.authority)],
            payloadHash: SigV4Signer.unsignedPayload)
        let signed = signer.presignedQuery(
            for: request, stamp: S3Time.stamp(milliseconds: storeTime),
            seconds: min(max(1, duration.components.seconds), 604_800))
        return "\(address.scheme)://\(address.authority)\(address.path)?\(signed)"
    }

    // MARK: Answers

    /// Makes a call whose answer is an XML document. Stores don't agree on how the names of its outermost element end.
    func document(_ call: S3Call, beginning name: String) async throws(StorageError) -> XMLElement {
        guard let root = XMLReader.parse(try await send(call).body), root.name.hasPrefix(name) else {
            throw malformed(call, "something else than a \(name)Result")
        }
        return root
    }

    func malformed(_ call: S3Call, _ what: String) -> StorageError {
        S3Failure.malformed(what).error(call, endpoint: configuration.endpoint)
    }

    static func object(_ key: String, size: Int64, _ fields: HTTPFields) -> S3Object {
        let modified = fields[.lastModified].flatMap(S3Time.parseHTTPDate)
        return S3Object(
            key: key, size: ByteCount(size), etag: fields[.etag],
            modified: modified.map { Timestamp(milliseconds: $0) })
    }
}

/// An object that a store didn't remove.
public struct S3DeleteFailure: Sendable, Equatable {
    /// Its key.
    public var key: String
    /// S3's word for the reason.
    public var code: String
    /// S3's sentence.
    public var message: String
}
