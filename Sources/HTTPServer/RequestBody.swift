import HTTPTypes
import Reactor

/// The body of a request, read piece by piece as it comes. Belongs to the connection's task.
///
/// Nothing is read before it is asked for, so a handler that is slow slows the client down.
/// `@exclusivity(unchecked)`: see docs/decisions/0008-unchecked-on-the-loop.md.
public final class RequestBody {
    /// The announced length in bytes; 0 without a body, nil for a chunked one.
    public let contentLength: Int64?
    /// Bytes handed out so far.
    @exclusivity(unchecked) public private(set) var bytesRead: Int64 = 0

    private var connection: Connection?
    private var remaining: Int64
    private var decoder: ChunkedDecoder?
    private var memory: [[UInt8]]
    private var failure: HTTPServerError?
    /// True while the client waits for `100 Continue`.
    private(set) var awaitsContinue = false
    /// True when the whole body has been read.
    @exclusivity(unchecked) public private(set) var isFinished: Bool

    init(connection: Connection, framing: BodyFraming, expectsContinue: Bool) {
        self.connection = connection
        memory = []
        switch framing {
        case .none: (contentLength, remaining) = (0, 0)
        case .length(let length): (contentLength, remaining) = (length, length)
        case .chunked:
            (contentLength, remaining) = (nil, 0)
            decoder = ChunkedDecoder(.request)
        }
        isFinished = framing == .none
        awaitsContinue = expectsContinue && framing != .none
    }

    /// A body from memory, for tests of handlers: each array is what one read brings.
    public init(pieces: [[UInt8]] = []) {
        memory = pieces.reversed().filter { !$0.isEmpty }
        remaining = 0
        contentLength = Int64(pieces.reduce(0) { $0 + $1.count })
        isFinished = memory.isEmpty
    }

    /// The next bytes, as a view into the connection's buffer that is valid until the next call; nil at the end.
    ///
    /// The first call sends `100 Continue` to a client that waits for it.
    /// - Throws: `bodyTruncated`, `bodyTooSlow`, `malformedChunk`, `connectionLost`; again at each further call.
    public func next() async throws(HTTPServerError) -> UnsafeRawBufferPointer? {
        if let failure { throw failure }
        do {
            guard let connection else { return nextFromMemory() }
            while !isFinished {
                if let piece = try decode(connection) { return piece }
                if isFinished { break }
                if awaitsContinue {
                    awaitsContinue = false
                    try await connection.sendContinue()
                }
                try await connection.receiveBody(atMost: decoder == nil ? remaining : .max)
            }
            return nil
        } catch {
            failure = error
            throw error
        }
    }

    private func nextFromMemory() -> UnsafeRawBufferPointer? {
        spent?.deallocate()
        spent = nil
        guard let piece = memory.popLast() else { return nil }
        isFinished = memory.isEmpty
        bytesRead += Int64(piece.count)
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: piece.count, alignment: 1)
        copy.copyBytes(from: piece)
        spent = copy
        return UnsafeRawBufferPointer(copy)
    }

    private var spent: UnsafeMutableRawBufferPointer?

    deinit { spent?.deallocate() }

    /// Takes what is at hand off the connection's buffer.
    private func decode(_ connection: Connection) throws(HTTPServerError) -> UnsafeRawBufferPointer? {
        guard !connection.input.isEmpty else { return nil }
        let bytes = connection.input.bytes
        var consumed = 0
        var range: Range<Int>?
        if decoder == nil {
            consumed = Int(min(remaining, Int64(bytes.count)))
            range = 0..<consumed
            remaining -= Int64(consumed)
            isFinished = remaining == 0
        } else {
            do throws(ChunkedDecoder.Malformed) {
                range = try decoder?.next(in: UnsafeRawBufferPointer(bytes), from: &consumed)
            } catch {
                throw HTTPServerError(.malformedChunk, error.message)
            }
            isFinished = decoder?.isFinished ?? true
        }
        connection.input.consume(consumed)
        guard let range else { return nil }
        bytesRead += Int64(range.count)
        return UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes[range]))
    }

    /// The whole body.
    /// - Parameter limit: bytes that the caller is ready to hold.
    /// - Returns: the bytes.
    /// - Throws: `bodyTooLarge`, before reading when the length is announced; else as `next()`.
    public func collect(upTo limit: Int) async throws(HTTPServerError) -> [UInt8] {
        let tooLarge = HTTPServerError(.bodyTooLarge, "the body has more than \(limit) bytes")
        var bytes: [UInt8] = []
        if let contentLength {
            guard contentLength <= Int64(limit) else { throw tooLarge }
            bytes.reserveCapacity(Int(min(contentLength, 1 << 20)))
        }
        while let piece = try await next() {
            guard piece.count <= limit - bytes.count else { throw tooLarge }
            bytes.append(contentsOf: piece)
        }
        return bytes
    }

    /// Reads and drops the rest.
    /// - Parameter limit: stops after this many bytes.
    /// - Returns: true when the body ended within the limit.
    @discardableResult
    public func discard(upTo limit: Int) async -> Bool {
        var budget = limit
        while budget > 0 {
            guard let piece = try? await next() else { break }
            budget -= piece.count
        }
        return isFinished
    }

    /// True when the rest is so little that it is read and dropped rather than the connection closed.
    func isSkippable(limit: Int) -> Bool {
        if isFinished { return true }
        guard failure == nil, !awaitsContinue, let connection else { return false }
        guard var copy = decoder else { return remaining <= Int64(limit) }
        var position = 0
        let bytes = connection.input.bytes
        do { while try copy.next(in: UnsafeRawBufferPointer(bytes), from: &position) != nil {} } catch { return false }
        return copy.isFinished
    }

    /// After the exchange: whoever kept this object reads nothing of the next request.
    func detach() {
        guard connection != nil else { return }
        connection = nil
        isFinished = true
    }
}
