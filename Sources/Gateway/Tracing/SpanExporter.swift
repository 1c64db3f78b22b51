internal import HTTPClient
internal import HTTPTypes
internal import NodeODM
internal import Observability
internal import Reactor

/// Sends spans to a collector, over OTLP/HTTP in JSON; what it doesn't take is dropped and counted.
struct SpanExporter: Service {
    let name = "traces"
    let queue: SpanQueue
    let settings: TraceSettings
    let client: CurlClient
    let clock: any WorldClock
    let logger: Logger

    private static let interval = Duration.seconds(2)
    /// While the collector is away it is asked this seldom.
    private static let longestPause = Duration.seconds(60)

    func run() async throws {
        do {
            try await withThrowingDiscardingTaskGroup { group in
                group.addTask {
                    while true {
                        try await clock.sleep(for: Self.interval)
                        queue.wake.wake()
                    }
                }
                var pause = Self.interval
                for await _ in queue.wake.wakeUps() {
                    try Task.checkCancellation()
                    if await exportAll() {
                        pause = Self.interval
                    } else {
                        try await clock.sleep(for: pause)
                        pause = min(pause * 2, Self.longestPause)
                    }
                }
            }
        } catch is CancellationError {
            // What is left goes with the program's end, in a task that isn't cancelled.
            _ = await Task { await exportAll(within: .seconds(1)) }.value
        }
    }

    /// - Returns: false where the collector didn't take something.
    private func exportAll(within limit: Duration = .seconds(5)) async -> Bool {
        while case let spans = queue.take(), !spans.isEmpty {
            guard await export(spans, within: limit) else { return false }
        }
        return true
    }

    private func export(_ spans: [Span], within limit: Duration) async -> Bool {
        var request = OutboundRequest(.post, settings.url, body: .bytes(body(of: spans)))
        request.fields.append(.contentType, "application/json")
        for header in settings.headers { request.fields.append(header.name, header.value) }
        request.timeouts = .init(connect: min(limit, .seconds(3)), total: limit, stall: nil)
        do throws(HTTPClientError) {
            let answer = try await client.send(request)
            guard (200..<300).contains(answer.status) else { return drop(spans, "it answered \(answer.status)") }
            queue.note(.exported, spans.count)
            return true
        } catch {
            return drop(spans, error.message)
        }
    }

    private func drop(_ spans: [Span], _ reason: String) -> Bool {
        queue.note(.dropped, spans.count)
        logger.info("spans dropped", ["count": .number(spans.count), "error": .string(reason)])
        return false
    }

    private func body(of spans: [Span]) -> [UInt8] {
        var json = JSONWriter(reserving: 512 * spans.count)
        json.beginObject()
        json.key("resourceSpans")
        json.beginArray()
        json.beginObject()
        json.key("resource")
        json.beginObject()
        json.key("attributes")
        Span.write(
            [("service.name", .string(settings.service)), ("service.version", .string(GatewayService.version))],
            into: &json)
        json.endObject()
        json.key("scopeSpans")
        json.beginArray()
        json.beginObject()
        json.key("scope")
        json.beginObject()
        json.key("name")
        json.string("scaleodm")
        json.endObject()
        json.key("spans")
        json.beginArray()
        for span in spans { span.write(into: &json) }
        json.endArray()
        json.endObject()
        json.endArray()
        json.endObject()
        json.endArray()
        json.endObject()
        return json.bytes
    }
}
