internal import Model
internal import Reactor

extension FleetMember {
    /// Since when it is offline, for people.
    /// - Parameters:
    ///   - offlineAfter: so many failed reads in a row make it offline.
    ///   - clock: tells how long its last word is ago.
    /// - Returns: nil while it isn't offline, as far as is known.
    func offlineSince(offlineAfter: Int, _ clock: any WorldClock) -> String? {
        guard !isOnline(offlineAfter: offlineAfter), failuresInARow > 0 else { return nil }
        let name = definition.name
        guard let loadReadAt else { return "\(name) has not answered since this gateway was started" }
        let since = clock.timestamp + (loadReadAt - clock.monotonic())
        return "\(name) is offline since \(since.iso8601.prefix(19))Z"
    }

    /// What an operator can do about tasks on an offline backend.
    var offlineAdvice: String {
        "start it, or begin its tasks elsewhere with `scaleodm backends evacuate \(definition.name)`"
    }
}
