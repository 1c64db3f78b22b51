internal import Model
internal import NodeODM
internal import Reactor

/// Whether clients should be sent here, and what speaks against it: a value, made for each /readyz.
struct Readiness: Sendable, Equatable {
    /// One thing that was looked at.
    struct Check: Sendable, Equatable {
        /// How it is.
        enum Result: String, Sendable {
            /// As it should be.
            case good
            /// Something doesn't work, and clients are still better off here than nowhere.
            case degraded
            /// Clients should go elsewhere.
            case failed
        }

        var name: String
        var result: Result
        var detail: String
    }

    var checks: [Check]

    /// Whether clients should be sent here.
    var isReady: Bool { !checks.contains { $0.result == .failed } }
    /// Whether something doesn't work all the same.
    var isDegraded: Bool { checks.contains { $0.result == .degraded } }

    /// What /readyz answers.
    /// - Parameter isVerbose: whether each check is told of, the good ones too.
    /// - Returns: one JSON object.
    func json(isVerbose: Bool) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.key("ready")
        json.bool(isReady)
        json.key("degraded")
        json.bool(isDegraded)
        json.key("checks")
        json.beginArray()
        for check in checks where isVerbose || check.result != .good {
            json.beginObject()
            json.key("name")
            json.string(check.name)
            json.key("result")
            json.string(check.result.rawValue)
            json.key("detail")
            json.string(check.detail)
            json.endObject()
        }
        json.endArray()
        json.endObject()
        return json.bytes
    }
}

extension Readiness {
    /// Looks at a stage of the gateway's life.
    init(_ stage: GatewayStatus.Stage, minFree: ByteCount, now: MonotonicTime) {
        switch stage {
        case .starting(let what): checks = [Check(name: "start", result: .failed, detail: what)]
        case .draining: checks = [Check(name: "drain", result: .failed, detail: "the gateway is about to end")]
        case .serving(let parts):
            let sight = parts.health.lastSight
            checks = [
                Self.database(sight, now), Self.storage(sight, minFree, now), Self.backends(parts.fleet),
            ]
        }
    }

    /// Polls are answered from memory while the database is away, and a client that is sent away gets nothing at all.
    static func database(_ sight: HealthWatch.Sight, _ now: MonotonicTime) -> Check {
        let isGood = sight.databaseError == nil && now - sight.databaseAt < HealthWatch.patience
        let reason = sight.databaseError ?? "it does not answer"
        return Check(
            name: "database", result: isGood ? .good : .degraded,
            detail: isGood ? "it answers" : "\(reason) (polls go on; uploads and commits wait)")
    }

    static func storage(_ sight: HealthWatch.Sight, _ minFree: ByteCount, _ now: MonotonicTime) -> Check {
        if sight.isStorageShared { return bucket(sight, now) }
        guard now - sight.storageAt < HealthWatch.patience else {
            return Check(name: "storage", result: .failed, detail: "the storage can't be read")
        }
        guard let free = sight.free else { return Check(name: "storage", result: .good, detail: "it is there") }
        guard free < minFree else { return Check(name: "storage", result: .good, detail: "\(free) free") }
        return Check(
            name: "storage", result: .degraded,
            detail: "\(free) free, less than storage.min_free (\(minFree)): uploads are refused")
    }

    /// No other gateway could reach it either, and polls don't need it.
    private static func bucket(_ sight: HealthWatch.Sight, _ now: MonotonicTime) -> Check {
        let isGood = sight.storageError == nil && now - sight.storageAt < HealthWatch.bucketPatience
        let reason = sight.storageError ?? "the object store does not answer"
        return Check(
            name: "storage", result: isGood ? .good : .degraded,
            detail: isGood ? "it answers" : "\(reason) (polls go on; uploads are refused, and transfers wait)")
    }

    static func backends(_ fleet: Fleet) -> Check {
        let members = fleet.members
        let online = members.count { $0.isOnline(offlineAfter: fleet.offlineAfter) }
        return Check(
            name: "backends", result: online > 0 ? .good : .failed, detail: "\(online) of \(members.count) online")
    }
}
