internal import Model
internal import Reactor

extension FleetMember {
    /// Whether it is known not to answer: so many failed reads in a row make it offline.
    func isOffline(offlineAfter: Int) -> Bool { !isOnline(offlineAfter: offlineAfter) && failuresInARow > 0 }

    /// When it last answered.
    /// - Parameter clock: tells how long its last word is ago.
    /// - Returns: nil where it has not answered since the start.
    func lastHeard(_ clock: any WorldClock) -> Timestamp? {
        loadReadAt.map { clock.timestamp + ($0 - clock.monotonic()) }
    }

    /// Since when it is offline, for people.
    /// - Parameters:
    ///   - offlineAfter: so many failed reads in a row make it offline.
    ///   - clock: tells how long its last word is ago.
    /// - Returns: nil while it isn't offline, as far as is known.
    func offlineSince(offlineAfter: Int, _ clock: any WorldClock) -> String? {
        guard isOffline(offlineAfter: offlineAfter) else { return nil }
        guard let since = lastHeard(clock) else { return "\(name) has not answered since this gateway was started" }
        return "\(name) is offline since \(since.iso8601.prefix(19))Z"
    }

    /// What an operator can do about tasks on an offline backend.
    var offlineAdvice: String {
        "start it, or begin its tasks elsewhere with `scaleodm backends evacuate \(name)`"
    }
}
