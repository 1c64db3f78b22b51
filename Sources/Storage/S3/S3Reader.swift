import HTTPClient
import HTTPTypes
import Model
import Synchronization

/// Reads an object, or a part of it, in order.
///
/// A stream that breaks, such as one whose reader paused for longer than the store likes, is opened again where it broke, as
/// the same object: `If-Match` keeps one that was replaced meanwhile from being mixed in.
public final class S3Reader: ObjectReader {
    /// Whose bytes.
    struct Place: Sendable {
        var client: S3Client
        var bucket: String
        var key: String

        var text: String { "\(bucket)/\(key.prefix(200))" }
    }

    /// One answer of the store.
    private struct Opened: Sendable {
        var answer: OpenAnswer?
        var object: S3Object
        /// What has to be passed over, where the store gave more than was asked for.
        var surplus: Int64
    }

    private struct State {
        var answer: OpenAnswer?
        var isClosed = false
        var position: Int64
        var surplus: Int64
        var pending: [UInt8] = []
        var pendingOffset = 0
        var failures = 0
    }

    /// What the store said of the whole object.
    public let object: S3Object
    /// What is read of it, cut to its size.
    public let range: Range<Int64>
    /// The size of the whole object in bytes.
    public var size: Int64 { object.size.bytes }
    private let place: Place
    private let state: Mutex<State>

    /// Streams that break one after the other without a byte between them.
    private static let maximumFailures = 5

    private init(_ place: Place, _ opened: Opened, _ range: Range<Int64>) {
        self.place = place
        self.range = range
        object = opened.object
        state = Mutex(State(answer: opened.answer, position: range.lowerBound, surplus: opened.surplus))
    }

    /// Opens an object. A range that begins beyond the end reads nothing.
    static func open(_ place: Place, range: Range<Int64>?, etag: String?) async throws(StorageError) -> S3Reader {
        let opened = try await answer(place, range: range, etag: etag)
        let size = opened.object.size.bytes
        let start = min(max(0, range?.lowerBound ?? 0), size)
        return S3Reader(place, opened, start..<max(start, min(range?.upperBound ?? size, size)))
    }

    /// The next bytes, at most so many; see `ObjectReader`. Throws `.truncated` where the object was replaced meanwhile, or
    /// the store breaks off again and again.
    public func read(upTo count: Int) async throws(StorageError) -> [UInt8] {
        while true {
            let position = state.withLock { $0.isClosed ? nil : $0.position }
            guard let position else { throw StorageError(.closed, "\(place.text) was closed before") }
            let wanted = Int(clamping: min(Int64(max(0, count)), range.upperBound - position))
            guard wanted > 0 else { return [] }
            let bytes = takePending(wanted)
            if !bytes.isEmpty { return bytes }
            try await fetch()
        }
    }

    /// Gives the object back; see `ObjectReader`.
    public func close() async {
        let answer = state.withLock { state in
            state.isClosed = true
            state.pending = []
            return state.answer.take()
        }
        answer?.close()
    }

    // MARK: Bytes

    private func takePending(_ wanted: Int) -> [UInt8] {
        state.withLock { state in
            let there = state.pending.count - state.pendingOffset
            let passed = Int(min(Int64(there), state.surplus))
            state.surplus -= Int64(passed)
            state.pendingOffset += passed
            let count = min(there - passed, wanted)
            guard count > 0 else { return [] }
            state.position += Int64(count)
            defer {
                state.pendingOffset += count
                if state.pendingOffset == state.pending.count {
                    state.pending = []
                    state.pendingOffset = 0
                }
            }
            // Most often all of it: then nothing is copied.
            if count == state.pending.count { return state.pending }
            return Array(state.pending[state.pendingOffset..<state.pendingOffset + count])
        }
    }

    /// Gets more from the open answer, or a new answer where that one broke.
    private func fetch() async throws(StorageError) {
        guard let answer = state.withLock({ $0.answer }) else { return try await reopen() }
        var reason = "the answer ended early"
        do throws(HTTPClientError) {
            if let bytes = try await answer.next() {
                return state.withLock { state in
                    state.pending = bytes
                    state.pendingOffset = 0
                    state.failures = 0
                }
            }
        } catch {
            if error.code == .cancelled { throw StorageError(.cancelled, "reading \(place.text) was cancelled") }
            reason = error.message
        }
        let failures = state.withLock { state in
            state.answer = nil
            state.failures += 1
            return state.failures
        }
        guard failures < Self.maximumFailures else {
            throw StorageError(.truncated, "\(place.text) broke off at every try: \(reason)")
        }
    }

    private func reopen() async throws(StorageError) {
        let position = state.withLock { $0.position }
        let opened: Opened
        do throws(StorageError) {
            opened = try await Self.answer(place, range: position..<range.upperBound, etag: object.etag)
        } catch {
            guard error.code == .changed || error.code == .notFound else { throw error }
            throw StorageError(.truncated, "\(place.text) was replaced or removed while it was read")
        }
        guard opened.object.size == object.size, opened.object.etag == object.etag else {
            throw StorageError(.truncated, "\(place.text) was replaced while it was read")
        }
        let isClosed = state.withLock { state in
            state.answer = opened.answer
            state.surplus = opened.surplus
            state.pending = []
            state.pendingOffset = 0
            return state.isClosed
        }
        if isClosed { opened.answer?.close() }
    }

    // MARK: Answers

    private static func answer(
        _ place: Place, range: Range<Int64>?, etag: String?
    ) async throws(StorageError) -> Opened {
        let start = max(0, range?.lowerBound ?? 0)
        let isPart = start > 0 || range.map { $0.upperBound < .max } ?? false
        if let range, range.isEmpty { return try await nothing(of: place, etag) }
        var call = S3Call("GetObject", .get, place.bucket, key: place.key)
        if isPart, let range {
            let last = range.upperBound == .max ? "" : String(range.upperBound - 1)
            call.fields.append((.range, "bytes=\(start)-\(last)"))
        }
        if let etag { call.fields.append((.ifMatch, etag)) }
        let answer: OpenAnswer
        do throws(StorageError) { answer = try await place.client.open(call) } catch {
            // 416: it begins beyond the end, as it always does in an empty object.
            if error.code == .beyondEnd { return try await nothing(of: place, etag) }
            throw error
        }
        return try opened(answer, place, call, start: start)
    }

    /// The object without any of its bytes.
    private static func nothing(of place: Place, _ etag: String?) async throws(StorageError) -> Opened {
        let object = try await place.client.head(bucket: place.bucket, key: place.key)
        guard etag == nil || etag == object.etag else {
            throw StorageError(.changed, "\(place.text) has been replaced meanwhile")
        }
        return Opened(answer: nil, object: object, surplus: 0)
    }

    /// Reads size and place from an answer's head. Not every store says 206 for a part (rclone doesn't): Content-Range decides.
    private static func opened(
        _ answer: OpenAnswer, _ place: Place, _ call: S3Call, start: Int64
    ) throws(StorageError) -> Opened {
        let fields = answer.head.fields
        if let text = fields[.contentRange] {
            guard let (first, size) = contentRange(text), first == start else {
                throw place.client.malformed(call, "another range than it was asked for")
            }
            return Opened(
                answer: answer, object: S3Client.object(place.key, size: size, fields), surplus: 0)
        }
        guard let size = fields[.contentLength].flatMap({ Int64($0) }), size >= 0 else {
            throw place.client.malformed(call, "no length")
        }
        return Opened(
            answer: answer, object: S3Client.object(place.key, size: size, fields), surplus: min(start, size))
    }

    /// `bytes 5-9/100`: 5 and 100.
    static func contentRange(_ text: String) -> (first: Int64, size: Int64)? {
        guard text.hasPrefix("bytes ") else { return nil }
        let parts = text.dropFirst(6).split(separator: "/")
        guard parts.count == 2, let size = Int64(parts[1]), let dash = parts[0].firstIndex(of: "-"),
            let first = Int64(parts[0][..<dash]), let last = Int64(parts[0][parts[0].index(after: dash)...]),
            0 <= first, first <= last, last < size
        else { return nil }
        return (first, size)
    }
}
