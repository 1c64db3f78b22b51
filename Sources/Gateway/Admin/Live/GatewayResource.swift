internal import Model
internal import NodeODM
internal import Reactor
internal import SQL

/// GET /api/gateway: the program itself.
struct GatewayResource: Sendable {
    /// What stays the same while it runs.
    struct Identity: Sendable {
        var version: String
        /// The machine's, or the container's.
        var hostName: String
        /// Another one with each start; with several gateways on one record, the name of this one there.
        var replica: String
        var startedAt: Timestamp
        var database: Dialect
        /// `folder` or `s3`.
        var storage: String
    }

    let identity: Identity
    let census: TaskCensus
    let duties: Duties
    let health: HealthWatch
    let history: HistoryKeeper
    let clock: any WorldClock

    /// One JSON object; the tasks as the census last counted them.
    var json: [UInt8] {
        var json = JSONWriter(reserving: 1024)
        json.beginObject()
        json.member("version", identity.version)
        json.member("name", identity.hostName)
        json.member("replica", identity.replica)
        json.member("startedAt", identity.startedAt.iso8601)
        json.member("uptime", max(0, (clock.timestamp - identity.startedAt).inMilliseconds / 1000))
        writeGround(into: &json)
        if !duties.isAlone { writeReplicas(into: &json) }
        writeTasks(into: &json)
        writeRequests(into: &json)
        json.endObject()
        return json.bytes
    }

    private func writeGround(into json: inout JSONWriter) {
        let sight = health.lastSight
        json.key("database")
        json.beginObject()
        json.member("kind", identity.database.rawValue)
        json.key("up")
        json.bool(Readiness.database(sight, clock.monotonic()).result == .good)
        json.endObject()
        json.key("storage")
        json.beginObject()
        json.member("kind", identity.storage)
        json.key("freeBytes")
        json.integer(orNull: sight.free?.bytes)
        json.endObject()
    }

    private func writeReplicas(into json: inout JSONWriter) {
        json.key("replicas")
        json.beginArray()
        for replica in duties.roll {
            json.beginObject()
            json.member("id", replica.id)
            json.member("since", replica.since.iso8601)
            json.key("holds")
            json.beginArray()
            for duty in replica.duties { json.string(duty) }
            json.endArray()
            json.member("watching", replica.watching)
            json.endObject()
        }
        json.endArray()
    }

    private func writeTasks(into json: inout JSONWriter) {
        let counts = census.byState
        json.key("tasks")
        json.beginObject()
        json.member("receiving", counts[.receiving] ?? 0)
        json.member("queued", counts[.queued] ?? 0)
        json.member("running", (counts[.dispatching] ?? 0) + (counts[.placed] ?? 0))
        json.member("completed", counts[.completed] ?? 0)
        json.member("failed", counts[.failed] ?? 0)
        json.member("canceled", counts[.canceled] ?? 0)
        json.endObject()
    }

    private func writeRequests(into json: inout JSONWriter) {
        let rate = history.rate
        json.key("requests")
        json.beginObject()
        json.key("perSecond")
        json.double(Self.rounded(rate.requests))
        json.key("errorsPerSecond")
        json.double(Self.rounded(rate.errors))
        json.key("receivedBytesPerSecond")
        json.double(rate.receivedBytes.rounded())
        json.key("sentBytesPerSecond")
        json.double(rate.sentBytes.rounded())
        json.endObject()
    }

    private static func rounded(_ number: Double) -> Double { (number * 100).rounded() / 100 }
}
