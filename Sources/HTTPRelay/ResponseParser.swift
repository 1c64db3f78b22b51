internal import Glibc
internal import HTTPTypes

/// Reads the head of an upstream's answer; a state machine that does no I/O.
///
/// As strict as the side that reads requests: whatever two programs could understand differently is refused, since an
/// answer that a client frames differently than we do poisons the answers after it (RFC 9112 §11.1).
public struct ResponseParser: Sendable {
    /// What is too much.
    public struct Limits: Sendable {
        /// Bytes of a head, the empty line included.
        public var headBytes = 65_536
        /// Field lines of a head.
        public var fields = 128
        /// The default limits.
        public init() {}
    }

    /// What the bytes so far amount to.
    public enum Outcome: Sendable {
        /// More bytes are needed; call again with all bytes so far and the new ones.
        case incomplete
        /// An interim answer (1xx) of that many bytes, to be skipped: go on with the bytes after it.
        case interim(length: Int)
        /// The final head, of that many bytes.
        case head(ResponseHead, length: Int)
    }

    /// Tells by a field's name, as it was written, whether it is of interest.
    public typealias FieldTest = @Sendable (UnsafeBufferPointer<UInt8>) -> Bool

    private let limits: Limits
    private let isShown: FieldTest?
    /// Bytes already searched for the empty line.
    private var searched = 0
    /// Where the last line break ended.
    private var lineStart = 0

    /// A parser at the start of an answer.
    /// - Parameters:
    ///   - limits: what is too much.
    ///   - isShown: which of the end-to-end fields come out; nil: all of them. All are checked.
    public init(limits: Limits = Limits(), keeping isShown: FieldTest? = nil) {
        self.limits = limits
        self.isShown = isShown
    }

    /// Reads as much as there is.
    /// - Parameters:
    ///   - bytes: everything received since the answer's (or the last interim answer's) start.
    ///   - toHead: whether the request was HEAD, whose answer has no body whatever its fields say.
    /// - Returns: what the bytes amount to.
    /// - Throws: `.badAnswer` for anything that is no well-formed HTTP/1 head.
    public mutating func parse(_ bytes: UnsafeRawBufferPointer, toHead: Bool) throws(RelayError) -> Outcome {
        guard let end = try headEnd(in: bytes) else { return .incomplete }
        searched = 0
        lineStart = 0
        var reader = HeadReader(
            bytes: UnsafeBufferPointer(rebasing: bytes.bindMemory(to: UInt8.self)[..<end]), keeping: isShown)
        let head = try reader.read(limits: limits, toHead: toHead)
        guard head.status >= 200 else {
            // After 101 the bytes are no longer HTTP, and nobody asked for an upgrade.
            if head.status == 101 { throw RelayError(.badAnswer, "the upstream switched protocols unasked") }
            return .interim(length: end)
        }
        return .head(head, length: end)
    }

    /// The index after the empty line that ends the head, nil when it isn't there yet.
    private mutating func headEnd(in bytes: UnsafeRawBufferPointer) throws(RelayError) -> Int? {
        guard let base = bytes.baseAddress else { return nil }
        while searched < bytes.count, let found = memchr(base + searched, 0x0A, bytes.count - searched) {
            let index = UnsafeRawPointer(found) - base
            guard index > 0, bytes[index - 1] == ASCII.carriageReturn else {
                throw RelayError(.badAnswer, "the upstream's head has a line feed without a carriage return")
            }
            searched = index + 1
            let isEmptyLine = index - 1 == lineStart
            if isEmptyLine, lineStart == 0 {
                throw RelayError(.badAnswer, "the upstream's answer starts with an empty line")
            }
            lineStart = searched
            guard searched <= limits.headBytes else { throw tooLong }
            if isEmptyLine { return searched }
        }
        searched = bytes.count
        guard bytes.count <= limits.headBytes else { throw tooLong }
        return nil
    }

    private var tooLong: RelayError {
        RelayError(.badAnswer, "the upstream's head is longer than \(limits.headBytes) bytes")
    }
}
