internal import Reactor

/// A connection to an upstream, lent by its pool for one exchange at a time.
/// `@exclusivity(unchecked)`: see docs/decisions/0008-unchecked-on-the-loop.md.
final class UpstreamConnection {
    let socket: StreamSocket
    /// Whether an exchange went over it before: then the upstream may have closed it without our knowing.
    @exclusivity(unchecked) var isReused = false
    /// What the pool does when it ends while idle; made once, since it is wanted after each exchange.
    @exclusivity(unchecked) var whenIdleEnds: (() -> Void)?
    /// When it came back to the pool.
    @exclusivity(unchecked) var idleSince = MonotonicTime(nanoseconds: 0)

    init(_ socket: StreamSocket) { self.socket = socket }

    /// Whether it is silent and open, as an idle connection must be: bytes that nobody asked for disqualify it.
    var isQuiet: Bool {
        guard socket.descriptor >= 0, !socket.peerHasClosed else { return false }
        var byte: UInt8 = 0
        return withUnsafeMutableBytes(of: &byte) { buffer in
            do throws(ReactorError) { return try socket.receiveNow(into: buffer) == nil } catch { return false }
        }
    }
}
