import HTTPTypes
import Reactor

/// Writing answers.
extension Connection {
    /// Answers up to this size are copied behind their head, so that both go out by one system call.
    static let copiedBody = 16 * 1024
    /// Output is not gathered beyond this.
    static let gathered = 64 * 1024

    // MARK: Whole answers

    func send(_ response: HTTPResponse, body bytes: [UInt8]) async throws(HTTPServerError) {
        let hasBody = !response.status.hasNoBody
        writeHead(response, framing: hasBody ? .length(Int64(bytes.count)) : .none)
        answer = .complete
        if hasBody, !isHead, !bytes.isEmpty {
            notes.bytesOut = Int64(bytes.count)
            if bytes.count <= Self.copiedBody {
                output.append(contentsOf: bytes)
            } else {
                try await flush()
                try await sendDirectly(bytes)
            }
        }
        // Pipelined requests: gather the answers of this turn.
        if keepsAlive, !input.isEmpty, output.count - sent < Self.gathered {
            shard.flushLater(self)
        } else {
            try await flush()
        }
    }

    /// Appends a whole answer, whose body is small enough to be copied, to what goes out next.
    func compose(_ ready: ReadyAnswer) {
        notes.status = ready.head.response.status.code
        answer = .complete
        let body = isHead ? [] : ready.body
        notes.bytesOut = Int64(body.count)
        shard.lendMemory(&output)
        output.append(contentsOf: shard.lines(of: ready.head))
        output.appendDecimal(Int64(ready.body.count))
        output.appendText("\r\n")
        output.appendText(connectionField)
        output.append(contentsOf: body)
    }

    private func sendDirectly(_ bytes: [UInt8]) async throws(HTTPServerError) {
        // A copy of the pointer would not live over the suspension: so piece by piece, each borrowed for one call.
        var position = 0
        while true {
            do throws(ReactorError) {
                position += try bytes.withUnsafeBufferPointer { bytes throws(ReactorError) in
                    try socket.sendNow(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[position...]))
                }
                if position == bytes.count { return }
                try await waitForRoom()
            } catch {
                throw lost(error)
            }
        }
    }

    // MARK: Bodies in pieces

    func start(_ response: HTTPResponse, contentLength: Int64?) {
        if response.status.hasNoBody {
            writeHead(response, framing: .none)
            answer = .bodyless
        } else if let contentLength {
            let length = max(0, contentLength)
            writeHead(response, framing: .length(length))
            answer = isHead ? .bodyless : .started(.length(length))
        } else if minorVersion > 0 {
            writeHead(response, framing: .chunked)
            answer = isHead ? .bodyless : .started(.chunked)
        } else {
            keepsAlive = false
            writeHead(response, framing: .none)
            answer = isHead ? .bodyless : .untilClose
        }
        shard.flushLater(self)
    }

    func writeBody(_ bytes: [UInt8]) async throws(HTTPServerError) {
        guard bytes.count > Self.copiedBody else {
            guard try beginPiece(bytes.count) else { return }
            output.append(contentsOf: bytes)
            return try await endPiece(bytes.count)
        }
        guard try beginPiece(bytes.count) else { return }
        try await flush()
        try await sendDirectly(bytes)
        try await endPiece(bytes.count)
    }

    func writeBody(_ bytes: UnsafeRawBufferPointer) async throws(HTTPServerError) {
        guard try beginPiece(bytes.count) else { return }
        if bytes.count <= Self.copiedBody {
            output.append(contentsOf: bytes)
        } else {
            try await flush()
            socket.writeDeadline = socket.loop.now + (unread ?? limits.unread)
            do { try await socket.send(bytes) } catch { throw lost(error) }
        }
        try await endPiece(bytes.count)
    }

    /// Checks a piece against what was announced, and writes its chunk's size.
    /// - Returns: false when nothing is to be written.
    private func beginPiece(_ count: Int) throws(HTTPServerError) -> Bool {
        switch answer {
        case .started(.length(let remaining)):
            guard Int64(count) <= remaining else {
                throw HTTPServerError(.wrongLength, "the answer is longer than announced")
            }
            answer = .started(.length(remaining - Int64(count)))
        case .started(.chunked):
            guard count > 0 else { return false }
            output.appendHexadecimal(count)
            output.appendText("\r\n")
        case .untilClose: break
        case .bodyless: return false
        case .started(.none), .none, .complete, .aborted:
            throw HTTPServerError(.connectionLost, "the answer has ended")
        }
        notes.bytesOut += Int64(count)
        return count > 0
    }

    private func endPiece(_ count: Int) async throws(HTTPServerError) {
        if case .started(.chunked) = answer { output.appendText("\r\n") }
        if output.count - sent >= Self.copiedBody {
            try await flush()
        } else if sent < output.count {
            shard.flushLater(self)
        }
        await noteTurn(bytes: count)
    }

    func finishBody() async throws(HTTPServerError) {
        switch answer {
        case .started(.length(let remaining)):
            guard remaining == 0 else { throw HTTPServerError(.wrongLength, "the answer is shorter than announced") }
        case .started(.chunked): output.appendText("0\r\n\r\n")
        case .untilClose, .bodyless: break
        case .started(.none), .none, .complete, .aborted: return
        }
        answer = .complete
        if keepsAlive, !input.isEmpty, output.count - sent < Self.gathered {
            shard.flushLater(self)
        } else {
            try await flush()
        }
    }

    // MARK: Others

    /// Ends the connection instead of an answer; answers to earlier requests still go out, if there is room.
    func closeWithoutAnswer() {
        flushNow()
        abort()
    }

    func sendContinue() async throws(HTTPServerError) {
        // Never after the answer: a client that has it waits for nothing any more.
        guard case .none = answer else { return }
        output.appendText("HTTP/1.1 100 Continue\r\n\r\n")
        try await flush()
    }

    /// Before a relay writes to the socket itself; everything written before is sent.
    func beginRelay() {
        socket.writeDeadline = socket.loop.now + limits.unread
    }

    /// After a relay.
    func endRelay(_ end: RelayEnd) {
        answer = .complete
        if end == .close || !body.isSkippable(limit: limits.skippedBody) || shard.isDraining { keepsAlive = false }
    }

    // MARK: The head

    private func writeHead(_ response: HTTPResponse, framing: BodyFraming) {
        notes.status = response.status.code
        decideKeepAlive(response)
        shard.lendMemory(&output)
        // One access to the connection for all that is appended: the language checks each.
        Self.writeHead(
            response, framing: framing, date: shard.dateLine(), connection: connectionField, to: &output)
    }

    private static func writeHead(
        _ response: HTTPResponse, framing: BodyFraming, date: [UInt8], connection: StaticString,
        to output: inout [UInt8]
    ) {
        response.status.writeLine(to: &output)
        output.append(contentsOf: date)
        if response.fields.hasFraming {
            response.fields.write(to: &output) { !HTTPFields.isFraming($0) }
        } else {
            response.fields.write(to: &output)
        }
        switch framing {
        case .none: if response.status.code == 205 { output.appendText("Content-Length: 0\r\n") }
        case .length(let length):
            output.appendText("Content-Length: ")
            output.appendDecimal(length)
            output.appendText("\r\n")
        case .chunked: output.appendText("Transfer-Encoding: chunked\r\n")
        }
        output.appendText(connection)
    }

    /// What the head says of the connection's life, with the empty line that ends it.
    private var connectionField: StaticString {
        guard keepsAlive else { return "Connection: close\r\n\r\n" }
        return minorVersion == 0 ? "Connection: keep-alive\r\n\r\n" : "\r\n"
    }

    private func decideKeepAlive(_ response: HTTPResponse) {
        guard keepsAlive else { return }
        if shard.isDraining || !body.isSkippable(limit: limits.skippedBody) { keepsAlive = false }
        if !response.fields.isEmpty, response.fields.listContains(.connection, "close") { keepsAlive = false }
    }

    // MARK: Output

    /// Sends all output, waiting for the client to read.
    func flush() async throws(HTTPServerError) {
        while sent < output.count {
            if try flushWhatFits() { return }
            do throws(ReactorError) { try await waitForRoom() } catch { throw lost(error) }
        }
    }

    /// Sends what fits, at the end of the loop's turn; what doesn't goes with the next flush, and an error comes up there.
    func flushNow() {
        isFlushPending = false
        guard socket.descriptor >= 0 else { return }
        _ = try? sendOutput()
    }

    /// Sends what fits.
    /// - Returns: true when all is sent.
    func flushWhatFits() throws(HTTPServerError) -> Bool {
        guard sent < output.count else { return true }
        do throws(ReactorError) { return try sendOutput() } catch { throw lost(error) }
    }

    /// - Returns: true when all is sent.
    private func sendOutput() throws(ReactorError) -> Bool {
        let start = sent
        sent += try output.withUnsafeBufferPointer { bytes throws(ReactorError) in
            try socket.sendNow(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[start...]))
        }
        guard sent == output.count else { return false }
        output.removeAll(keepingCapacity: true)
        sent = 0
        return true
    }

    private func waitForRoom() async throws(ReactorError) {
        socket.writeDeadline = socket.loop.now + (unread ?? limits.unread)
        try await socket.writable()
    }

    private func lost(_ error: ReactorError) -> HTTPServerError {
        keepsAlive = false
        answer = .aborted
        socket.close()
        return HTTPServerError(error, .clientTooSlow, "the client doesn't read the answer")
    }
}
