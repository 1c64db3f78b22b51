internal import Model
internal import NodeODM
internal import Reactor

/// GET /api/backends: each backend with its state and load.
struct BackendsResource: Sendable {
    let fleet: Fleet
    let mirror: StatusMirror
    let clock: any WorldClock

    /// A JSON array, in the inventory's order.
    var json: [UInt8] {
        var json = JSONWriter(reserving: 1024)
        json.beginArray()
        for member in fleet.members { write(member, into: &json) }
        json.endArray()
        return json.bytes
    }

    /// One backend as an object; nil where there is none of that name.
    func json(of name: BackendName) -> [UInt8]? {
        guard let member = fleet.member(name) else { return nil }
        var json = JSONWriter(reserving: 1024)
        write(member, into: &json)
        return json.bytes
    }

    /// A backend's state in a word; what an operator decided goes before what was seen.
    static func state(of member: FleetMember, offlineAfter: Int) -> String {
        if member.switches.isRetired { return "retired" }
        if member.loadReadAt == nil { return member.failuresInARow == 0 ? "unread" : "offline" }
        if !member.isOnline(offlineAfter: offlineAfter) { return "offline" }
        if member.switches.isDraining { return "draining" }
        return member.switches.isLocked ? "locked" : "online"
    }

    /// A backend's state and load in few words: when this changes, those who look on are told. Ages and latencies aren't in it.
    struct Sight: Equatable {
        var state: String
        var source: FleetMember.Source
        var switches: FleetMember.Switches
        var slots: Int?
        var maxImages: Int?
        var unfinished: Int?
        var engineVersion: String?
        var lastError: String?
        var orphans: Int
    }

    /// So many runs that no record knows are named.
    private static let orphansNamed = 10

    private func write(_ member: FleetMember, into json: inout JSONWriter) {
        json.beginObject()
        json.key("name")
        json.string(member.definition.name.string)
        json.key("state")
        json.string(Self.state(of: member, offlineAfter: fleet.offlineAfter))
        json.key("source")
        json.string(member.source.rawValue)
        json.key("locked")
        json.bool(member.switches.isLocked)
        json.key("draining")
        json.bool(member.switches.isDraining)
        json.key("kind")
        json.string(member.definition.kind.rawValue)
        json.key("url")
        json.string(member.definition.url)
        json.key("online")
        json.bool(member.isOnline(offlineAfter: fleet.offlineAfter))
        json.key("tier")
        json.integer(member.definition.tier)
        json.key("slots")
        if let slots = member.slots { json.integer(slots) } else { json.null() }
        json.key("maxImages")
        if let limit = member.maxImages { json.integer(limit) } else { json.null() }
        let own = mirror.watched(on: member.definition.name).count
        json.key("tasks")
        json.integer(own)
        writeLoad(of: member, own: own, into: &json)
        writeSilence(of: member, into: &json)
        writeOrphans(of: member, into: &json)
        json.endObject()
    }

    private func writeLoad(of member: FleetMember, own: Int, into json: inout JSONWriter) {
        json.key("unfinished")
        json.integer(orNull: member.unfinished(own: own))
        json.key("engine")
        json.string(member.load?.engine ?? "?")
        json.key("engineVersion")
        json.string(member.load?.engineVersion ?? "?")
        if let readAt = member.loadReadAt {
            json.key("ageMilliseconds")
            json.integer(max(0, (clock.monotonic() - readAt).inMilliseconds))
        }
        if let latency = member.latency {
            json.key("latencyMilliseconds")
            json.integer(latency.inMilliseconds)
        }
    }

    /// Since when it is offline, why, and what can be done.
    private func writeSilence(of member: FleetMember, into json: inout JSONWriter) {
        if member.isOffline(offlineAfter: fleet.offlineAfter) {
            if let since = member.lastHeard(clock) { json.member("offlineSince", since.iso8601) }
            json.member("advice", member.offlineAdvice)
        }
        guard let error = member.lastError else { return }
        json.key("lastError")
        json.string(error)
    }

    private func writeOrphans(of member: FleetMember, into json: inout JSONWriter) {
        guard !member.orphans.isEmpty else { return }
        json.key("orphans")
        json.beginObject()
        json.key("count")
        json.integer(member.orphans.count)
        json.key("newest")
        json.beginArray()
        for name in member.orphans.prefix(Self.orphansNamed) { json.string(name.string) }
        json.endArray()
        json.endObject()
    }
}

extension FleetMember {
    /// What those who look on see of it.
    func sight(offlineAfter: Int) -> BackendsResource.Sight {
        BackendsResource.Sight(
            state: BackendsResource.state(of: self, offlineAfter: offlineAfter), source: source, switches: switches,
            slots: slots, maxImages: maxImages,
            unfinished: load.map { $0.unfinished + acceptedSinceRead - endedSinceRead },
            engineVersion: load?.engineVersion, lastError: lastError, orphans: orphans.count)
    }
}
