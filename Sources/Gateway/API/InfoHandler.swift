internal import Model
internal import NodeODM
internal import Record

/// GET /info and /options: of the whole fleet, from memory.
struct InfoHandler: Sendable {
    /// The API that we speak: exactly three integers, at least 2.2.0, or PyODM takes us for an old node (contract 4.1).
    static let apiVersion = "2.2.4"

    let fleet: Fleet
    let mirror: StatusMirror
    let gatewayVersion: String
    /// What the inventory says of it.
    let images: ImageLimit

    func info(_ call: APICall) -> APIReply {
        let members = fleet.listed
        let usable = members.filter { $0.isUsable(offlineAfter: fleet.offlineAfter) }
        let leading = usable.first ?? members.first { $0.load != nil }
        let info = NodeInfo(
            version: Self.apiVersion, taskQueueCount: Int64(mirror.unfinishedCount(in: call.caller.scope)),
            maxImages: imageLimit(of: usable.isEmpty ? members : usable, call.caller).map(Int64.init),
            maxParallelTasks: Int64(usable.reduce(0) { $0 + ($1.slots ?? 0) }),
            engine: leading?.load?.engine ?? "odm",
            engineVersion: NodeInfo.versionProper(leading?.load?.engineVersion ?? "?"))
        var json = JSONWriter(reserving: 256)
        info.encode(into: &json, gatewayVersion: gatewayVersion)
        return .json(json.bytes)
    }

    func options(_ call: APICall) -> APIReply { .json(fleet.optionsJSON) }

    /// The most images that any of these takes, or what the caller's token may send if that is less; nil if one has no limit, or
    /// none was ever read.
    private func imageLimit(of members: [FleetMember], _ caller: Caller) -> Int? {
        let limits = members.filter { $0.load != nil }.map(\.maxImages)
        let fleetLimit = limits.contains(nil) ? nil : limits.compactMap { $0 }.max()
        return [fleetLimit, images.configured, images.ofToken(caller.owner)].compactMap { $0 }.min()
    }
}
