internal import Reactor

/// The addresses of an upstream's name, looked up off the loop and kept for a while.
final class UpstreamAddresses {
    private let host: String
    private let port: UInt16
    private let lifetime: Duration
    private let pool: BlockingPool
    private var known: [SocketAddress] = []
    private var goodUntil = MonotonicTime(nanoseconds: 0)

    init(host: String, port: UInt16, lifetime: Duration, pool: BlockingPool) {
        self.host = host
        self.port = port
        self.lifetime = lifetime
        self.pool = pool
        if let literal = SocketAddress(ip: host, port: port) {
            known = [literal]
            goodUntil = .distantFuture
        }
    }

    /// The addresses, at least one. Old ones serve on while the name service fails.
    func current(now: MonotonicTime) async throws(RelayError) -> [SocketAddress] {
        if now < goodUntil { return known }
        do throws(ReactorError) {
            known = try await SocketAddress.resolve(host: host, port: port, pool: pool)
            goodUntil = now + lifetime
        } catch {
            guard !known.isEmpty else { throw RelayError(.connect, "the upstream's name doesn't resolve: \(error)") }
        }
        return known
    }

    /// Has the next connection look the name up anew: none of the addresses answered.
    func doubt() { if goodUntil != .distantFuture { goodUntil = MonotonicTime(nanoseconds: 0) } }
}
