public import HTTPTypes
public import Reactor

/// Who has an exchange go on without a task; told on the loop's thread, between other sockets' turns.
public protocol ExchangeOwner: AnyObject {
    /// Says what the client is to see of the answer's head: see `rewriteHead` of ``Relay/relay(_:to:client:onEnd:rewriteHead:)``.
    func rewrite(_ head: HTTPResponse) throws(RelayError) -> HTTPResponse
    /// It is over, or goes no further without a task.
    /// - Parameter end: nil where ``Relay/finish(_:for:)`` has to see to the rest, be it a failure.
    func exchangeStopped(_ end: RelayEnd?)
}

/// An exchange that wakes no task as long as nothing but its upstream has to be waited for.
extension Exchange: ReadWatcher {
    /// Has the loop carry it on, the request being sent.
    func detach(_ connection: UpstreamConnection, to owner: any ExchangeOwner) {
        self.owner = owner
        client.onPeerClose = { [self] in clientLeft() }
        connection.socket.readWatcher = self
        waitDetached(for: connection.socket)
    }

    /// Takes it back from the loop.
    /// - Returns: who saw to it.
    @discardableResult
    func attach() -> (any ExchangeOwner)? {
        connection?.socket.readWatcher = nil
        return owner.take()
    }

    private func waitDetached(for socket: StreamSocket) {
        socket.readDeadline = upstreamDeadline
        socket.armReadDeadline()
    }

    /// Takes what the upstream has sent.
    public func readMayGoOn() {
        guard let owner, let connection else { return }
        do throws(RelayError) {
            while true {
                next = try step(connection.socket) { head throws(RelayError) in try owner.rewrite(head) }
                switch next {
                case .step where sinceYield <= configuration.budget: continue
                case .wait: return waitDetached(for: connection.socket)
                case .done: return complete(connection)
                case .ask, .step, .flush, .splice: break
                }
                attach()?.exchangeStopped(nil)
                return
            }
        } catch {
            breakOff(error)
        }
    }

    /// The upstream was silent for too long.
    public func readTimedOut() { breakOff(upstreamFailed(ReactorError(.timedOut, "the deadline passed"))) }

    private func breakOff(_ error: RelayError) {
        failure = error
        attach()?.exchangeStopped(nil)
    }

    private func complete(_ connection: UpstreamConnection) {
        let end = body?.clientEnd ?? .close
        self.end = end
        let owner = attach()
        connection.socket.readDeadline = nil
        client.onPeerClose = nil
        pool.giveBack(connection, reusable: leavesUpstreamReusable)
        owner?.exchangeStopped(end)
    }
}
