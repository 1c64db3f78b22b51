import Glibc
import HTTPTypes
import Reactor

/// Errors, and the ways in which a connection ends.
extension Connection {
    func answerError(_ error: any Error, to request: HTTPRequest?) async {
        switch answer {
        case .none: break
        case .complete, .aborted: return
        case .started, .untilClose, .bodyless: return cut()
        }
        if let error = error as? HTTPServerError, error.code == .connectionLost || error.code == .clientTooSlow {
            return abort()
        }
        let (response, bytes) = shard.errorAnswer(error, request)
        do { try await send(response, body: bytes) } catch { abort() }
    }

    /// A head that can't be read: answered, then closed, for what follows can't be read either.
    func refuse(_ error: HTTPServerError) async {
        guard socket.descriptor >= 0, error.code != .connectionLost, error.code != .clientTooSlow else { return }
        let begin = MonotonicTime.now()
        notes.reset()
        answer = .none
        isHead = false
        keepsAlive = false
        await answerError(error, to: nil)
        log(nil, begin)
        guard case .complete = answer else { return }
        do { try await flush() } catch { return }
        await linger()
    }

    /// Ends the connection without a word more.
    func abort() {
        answer = .aborted
        keepsAlive = false
        output.removeAll()
        sent = 0
        socket.close()
    }

    /// Cuts an answer short. Where only the connection's end tells the body's, a reset tells that this isn't it.
    func cut() {
        if case .untilClose = answer, socket.descriptor >= 0 {
            var option = Glibc.linger(l_onoff: 1, l_linger: 0)
            setsockopt(socket.descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout.size(ofValue: option)))
        }
        abort()
    }

    /// Reads and drops what still comes: closing with unread data would reset the connection, and the client would lose
    /// the answer (RFC 9112 §9.6).
    func linger() async {
        socket.shutdownWrite()
        let end = MonotonicTime.now() + limits.lingerTime
        var budget = limits.lingerBytes
        socket.readDeadline = end
        input.release(pool: shard.buffers)
        while budget > 0, socket.loop.now < end {
            let room = input.prepare(large: true, limit: .max, pool: shard.buffers)
            guard let count = try? await socket.receive(into: room), count > 0 else { return }
            budget -= count
            await noteTurn(bytes: count)
        }
    }
}
