import HTTPTypes
import Observability
import Testing

@testable import Gateway

@Suite("Tracing")
struct TracingTests {
    private func settings(_ environment: [String: String]) -> TraceSettings? { TraceSettings { environment[$0] } }

    @Test("without a collector there is no tracing")
    func absent() {
        #expect(settings([:]) == nil)
        #expect(settings(["OTEL_EXPORTER_OTLP_ENDPOINT": ""]) == nil)
        let collector = ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://c.example.org:4318"]
        #expect(settings(collector.merging(["OTEL_SDK_DISABLED": "TRUE"]) { $1 }) == nil)
        #expect(settings(collector.merging(["OTEL_TRACES_EXPORTER": "none"]) { $1 }) == nil)
    }

    @Test("the collector's URL is the base with the path of traces, or is used as it stands")
    func url() throws {
        for base in ["http://c.example.org:4318", "http://c.example.org:4318/"] {
            let read = try #require(settings(["OTEL_EXPORTER_OTLP_ENDPOINT": base]))
            #expect(read.url == "http://c.example.org:4318/v1/traces" && read.service == "scaleodm")
        }
        let own = try #require(
            settings([
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://t.example.org/in",
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c.example.org", "OTEL_SERVICE_NAME": "gateway-1",
            ]))
        #expect(own.url == "http://t.example.org/in" && own.service == "gateway-1")
    }

    @Test("headers are pairs, percent-decoded; what is none is left out")
    func headers() throws {
        let read = try #require(
            settings([
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c.example.org",
                "OTEL_EXPORTER_OTLP_HEADERS": " authorization = Bearer%20a=b , x-tenant=7,broken,=none,bad name=1",
            ]))
        #expect(read.headers.map(\.name.text) == ["authorization", "x-tenant"])
        #expect(read.headers.map(\.value) == ["Bearer a=b", "7"])
    }

    @Test("the queue is bounded: what is too much is dropped and counted, as is what nobody records")
    func bounded() {
        let metrics = GatewayMetrics()
        let queue = SpanQueue(metrics: metrics)
        func span(_ isSampled: Bool) -> Span {
            Span(
                context: TraceContext(isSampled: isSampled), kind: .inside, name: "step", begin: 1, end: 2,
                attributes: [])
        }
        queue.add(span(false))
        #expect(queue.take().isEmpty)
        for _ in 0..<SpanQueue.limit + 3 { queue.add(span(true)) }
        #expect(metrics.registry.exposition().contains("scaleodm_trace_spans_total{outcome=\"dropped\"} 3\n"))
        var taken = 0
        while case let spans = queue.take(), !spans.isEmpty { taken += spans.count }
        #expect(taken == SpanQueue.limit)
    }
}
