import Digests
import HTTPClient
import HTTPTypes
import Model

/// Objects that are written part by part.
extension S3Client {
    /// One part of an upload that the store has.
    struct Part: Sendable, Equatable {
        var number: Int
        var etag: String
    }

    /// An upload that was begun and not ended.
    struct UnfinishedUpload: Sendable, Equatable {
        var key: String
        var id: String
        var begun: Timestamp?
    }

    /// Begins an upload; costs until it is completed or aborted.
    /// - Returns: its id.
    func createUpload(bucket: String, key: String) async throws(StorageError) -> String {
        var call = S3Call("CreateMultipartUpload", .post, bucket, key: key)
        call.query = [("uploads", "")]
        call.fields = [(.contentType, "application/octet-stream")]
        let answer = try await document(call, beginning: "InitiateMultipartUpload")
        guard let id = answer.text(of: "UploadId"), !id.isEmpty else { throw malformed(call, "no upload id") }
        return id
    }

    /// Sends a part.
    func uploadPart(
        bucket: String, key: String, id: String, number: Int, _ buffer: S3PartBuffer, digest: SHA256Digest?
    ) async throws(StorageError) -> Part {
        var call = S3Call("UploadPart", .put, bucket, key: key)
        call.query = [("partNumber", String(number)), ("uploadId", id)]
        call.payload = .part(buffer, digest)
        guard let etag = try await send(call).fields[.etag] else { throw malformed(call, "no ETag") }
        return Part(number: number, etag: etag)
    }

    /// Makes the object of its parts. The answer may be 200 and an error in the body, and is then repeated as others are.
    /// - Throws: `.notFound` where the upload isn't there, which it also isn't after it was completed.
    func completeUpload(bucket: String, key: String, id: String, _ parts: [Part]) async throws(StorageError) {
        var call = S3Call("CompleteMultipartUpload", .post, bucket, key: key)
        call.query = [("uploadId", id)]
        call.fields = [(.contentType, "application/xml")]
        let entries = parts.map {
            "<Part><PartNumber>\($0.number)</PartNumber><ETag>\(XMLElement.escape($0.etag))</ETag></Part>"
        }
        let xmlns = "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""
        call.payload = .bytes(
            Array("<CompleteMultipartUpload \(xmlns)>\(entries.joined())</CompleteMultipartUpload>".utf8))
        call.mayFailLate = true
        // Stores put the parts together before they answer, some of them in silence.
        call.patience = .seconds(300)
        _ = try await document(call, beginning: "CompleteMultipartUpload")
    }

    /// Gives an upload up and its parts free; one that isn't there is given up already.
    func abortUpload(bucket: String, key: String, id: String) async throws(StorageError) {
        var call = S3Call("AbortMultipartUpload", .delete, bucket, key: key)
        call.query = [("uploadId", id)]
        do throws(StorageError) { _ = try await send(call) } catch {
            if error.code != .notFound { throw error }
        }
    }

    /// All uploads that were begun and not ended, below a prefix.
    func unfinishedUploads(bucket: String, prefix: String) async throws(StorageError) -> [UnfinishedUpload] {
        var found: [UnfinishedUpload] = []
        var markers: [(name: String, value: String)] = []
        while true {
            var call = S3Call("ListMultipartUploads", .get, bucket)
            call.query = [("uploads", ""), ("encoding-type", "url"), ("prefix", prefix)] + markers
            let answer: XMLElement
            do throws(StorageError) {
                answer = try await document(call, beginning: "ListMultipartUploads")
            } catch {
                // rclone's word for "none": NoSuchUpload.
                if error.code == .notFound { return found }
                throw error
            }
            let isEncoded = answer.text(of: "EncodingType") == "url"
            found += answer.all("Upload").compactMap { Self.upload($0, isEncoded) }.filter { $0.key.hasPrefix(prefix) }
            guard answer.text(of: "IsTruncated") == "true" else { return found }
            let next = [
                (name: "key-marker", value: Self.decode(answer.text(of: "NextKeyMarker") ?? "", isEncoded)),
                (name: "upload-id-marker", value: answer.text(of: "NextUploadIdMarker") ?? ""),
            ]
            guard next.map(\.value) != markers.map(\.value), next.first?.value.isEmpty == false else {
                throw malformed(call, "a page that has no next one and isn't the last")
            }
            markers = next
        }
    }

    private static func upload(_ element: XMLElement, _ isEncoded: Bool) -> UnfinishedUpload? {
        guard let key = element.text(of: "Key"), let id = element.text(of: "UploadId") else { return nil }
        let begun = element.text(of: "Initiated").flatMap(S3Time.parseISO8601)
        return UnfinishedUpload(
            key: decode(key, isEncoded), id: id, begun: begun.map { Timestamp(milliseconds: $0) })
    }
}
