internal import HTTPTypes
internal import Observability
internal import Reactor

/// Answers a scrape: the text is made on a thread of its own, since with a thousand backends it takes a while.
struct MetricsScrape: Sendable {
    let metrics: GatewayMetrics
    let status: GatewayStatus
    let pool: BlockingPool
    let loop: EventLoop

    /// All metrics, in OpenMetrics' format for who asks for that.
    func answer(_ request: HTTPRequest) async throws -> (HTTPFields, [UInt8]) {
        if let store = status.stage.parts?.store { await metrics.census.renew(from: store, on: loop) }
        let format = MetricsFormat(accept: request.fields.values("Accept").joined(separator: ","))
        let registry = metrics.registry
        let body = try await pool.run { Array(registry.exposition(format).utf8) }
        return ([.contentType: format.mediaType, .cacheControl: "no-store"], body)
    }
}
