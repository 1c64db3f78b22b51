internal import HTTPTypes

/// The body of an answer on its way: how the upstream frames it, how the client gets it, and how much is still to come.
/// `@exclusivity(unchecked)`: see docs/decisions/0008-unchecked-on-the-loop.md.
final class RelayedBody {
    private enum ClientFraming {
        case none, length, chunked, close
    }

    let upstreamKeepsAlive: Bool
    private let framing: BodyFraming
    private let clientFraming: ClientFraming
    private let clientKeepsAlive: Bool
    private let saysKeepAlive: Bool
    private let contentLength: Int64?
    @exclusivity(unchecked) private var decoder = ChunkedDecoder(.response)

    /// Bytes still to come where the length is known.
    @exclusivity(unchecked) var remaining: Int64 = 0
    /// Set when there was no pipe to be had.
    @exclusivity(unchecked) var mustBeCopied = false
    /// Whether everything was received and handed to the client's socket or into a leftover.
    @exclusivity(unchecked) private(set) var isComplete = false
    /// Whether the upstream sent more than its answer: such a connection isn't used again.
    @exclusivity(unchecked) private(set) var hasSurplus = false

    /// Decides how the client gets the body; `status` is the one that the client sees.
    init(_ head: ResponseHead, status: HTTPStatus, request: UpstreamRequest) {
        framing = head.framing
        upstreamKeepsAlive = head.keepsAlive
        let isModern = request.clientMinorVersion >= 1
        switch head.framing {
        case .none:
            clientFraming = .none
            isComplete = true
        case .length(let length):
            clientFraming = .length
            remaining = length
            isComplete = length == 0
        case .chunked, .untilClose: clientFraming = isModern ? .chunked : .close
        }
        clientKeepsAlive = request.clientKeepsAlive && clientFraming != .close
        saysKeepAlive = clientKeepsAlive && !isModern
        // 1xx and 204 have no Content-Length (RFC 9110 §8.6); with HEAD and 304 it tells what GET would bring.
        contentLength = status.hasNoBody && status != .notModified ? nil : head.contentLength
    }

    /// What becomes of the client's connection when all went well.
    var clientEnd: RelayEnd { clientKeepsAlive ? .keepAlive : .close }

    /// Whether only the connection's end tells the client that the body is complete.
    var endsWithConnection: Bool { clientFraming == .close }

    /// Whether so much is to come, of a known length, that it should not pass through this process.
    func isWorthSplicing(from threshold: Int64) -> Bool {
        clientFraming == .length && remaining >= threshold && !mustBeCopied
    }

    /// The body arrived in the client's socket by another way.
    func moved(_ count: Int) {
        remaining -= Int64(count)
        if remaining == 0 { isComplete = true }
    }

    /// Replaces `output` by the head that the client gets.
    func writeHead(_ answer: HTTPResponse, to output: inout [UInt8]) {
        output.removeAll(keepingCapacity: true)
        answer.status.writeLine(to: &output)
        answer.fields.write(to: &output)
        if let contentLength {
            output.appendText("Content-Length: ")
            output.appendDecimal(contentLength)
            output.appendText("\r\n")
        } else if clientFraming == .chunked {
            output.appendText("Transfer-Encoding: chunked\r\n")
        }
        if saysKeepAlive {
            output.appendText("Connection: keep-alive\r\n")
        } else if !clientKeepsAlive {
            output.appendText("Connection: close\r\n")
        }
        output.appendText("\r\n")
    }

    /// Turns received bytes, in their place, into what the client gets.
    /// - Returns: where that lies now.
    /// - Throws: `.badAnswer` for broken chunks.
    func take(_ received: Range<Int>, in scratch: Scratch) throws(RelayError) -> Range<Int> {
        switch framing {
        case .none:
            hasSurplus = !received.isEmpty
            return received.lowerBound..<received.lowerBound
        case .length:
            let count = Int(min(remaining, Int64(received.count)))
            hasSurplus = count < received.count
            moved(count)
            return received.lowerBound..<received.lowerBound + count
        case .chunked: return wrap(try unwrapChunks(received, in: scratch), in: scratch)
        case .untilClose: return wrap(received, in: scratch)
        }
    }

    /// Pushes the data of all chunks together at the range's start.
    private func unwrapChunks(_ received: Range<Int>, in scratch: Scratch) throws(RelayError) -> Range<Int> {
        let bytes = scratch.bytes(received)
        var position = 0
        var end = received.lowerBound
        do throws(ChunkedDecoder.Malformed) {
            while let range = try decoder.next(in: bytes, from: &position) {
                let start = received.lowerBound + range.lowerBound
                scratch.move(start..<start + range.count, to: end)
                end += range.count
            }
        } catch {
            throw RelayError(.badAnswer, "the upstream's body: \(error.message)")
        }
        if decoder.isFinished {
            hasSurplus = position < bytes.count
            isComplete = true
        }
        return received.lowerBound..<end
    }

    /// Puts a chunk's size before the data and its end behind, where the client gets chunks.
    private func wrap(_ data: Range<Int>, in scratch: Scratch) -> Range<Int> {
        guard clientFraming == .chunked else { return data }
        var range = data
        if !data.isEmpty {
            let size = Array(String(data.count, radix: 16).utf8) + [ASCII.carriageReturn, ASCII.lineFeed]
            scratch.put(size, at: data.lowerBound - size.count)
            scratch.put([ASCII.carriageReturn, ASCII.lineFeed], at: data.upperBound)
            range = data.lowerBound - size.count..<data.upperBound + 2
        }
        guard isComplete else { return range }
        scratch.put(Self.lastChunk, at: range.upperBound)
        return range.lowerBound..<range.upperBound + Self.lastChunk.count
    }

    /// The upstream closed its connection.
    /// - Returns: what the client still gets; nil when the body was not complete.
    func endOfConnection() -> [UInt8]? {
        guard framing == .untilClose else { return nil }
        isComplete = true
        return clientFraming == .chunked ? Self.lastChunk : []
    }

    private static let lastChunk = Array("0\r\n\r\n".utf8)
}
