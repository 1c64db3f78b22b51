import Observability
import Testing

@Suite("Sampled metrics")
struct SampledMetricsTests {
    @Test("a block counts each of its cells by itself, and tells what was there before")
    func block() {
        let block = CounterBlock(count: 3)
        #expect(block.add(5, at: 1) == 0)
        #expect(block.add(2, at: 1) == 5)
        block.addShared(7, at: 2)
        block.add(.max, at: 0)
        block.add(2, at: 0)
        #expect((0..<3).map { block.value(at: $0) } == [1, 7, 7])
    }

    @Test("a family whose samples are known elsewhere is read by each exposition, and left out while it has none")
    func samples() {
        let registry = MetricsRegistry()
        let load = Gauge()
        registry.samples("load", help: "Load.", .gauge, labels: "backend", "state") { samples in
            guard load.value > 0 else { return }
            samples.add(load.value, "a\"b", "used")
            samples.add(3, "c")
        }
        #expect(registry.exposition().isEmpty && registry.names == ["load"])
        load.set(0.5)
        #expect(
            registry.exposition() == """
                # HELP load Load.
                # TYPE load gauge
                load{backend="a\\"b",state="used"} 0.5
                load{backend="c",state=""} 3

                """)
    }

    @Test("OpenMetrics has its own names of counters, its own bounds, and an end")
    func openMetrics() {
        let registry = MetricsRegistry()
        registry.counter("sent_total", help: "Sent.").increment()
        registry.samples("wait_seconds", help: "Waits.", .histogram) { samples in
            samples.add(bounds: [0.5, 1], counts: [1, 0, 2], sum: 7.25)
        }
        #expect(
            registry.exposition(.openMetrics) == """
                # HELP sent Sent.
                # TYPE sent counter
                sent_total 1
                # HELP wait_seconds Waits.
                # TYPE wait_seconds histogram
                wait_seconds_bucket{le="0.5"} 1
                wait_seconds_bucket{le="1.0"} 1
                wait_seconds_bucket{le="+Inf"} 3
                wait_seconds_sum 7.25
                wait_seconds_count 3
                # EOF

                """)
    }

    @Test("the format is the one asked for")
    func format() {
        #expect(MetricsFormat(accept: nil) == .prometheus)
        #expect(MetricsFormat(accept: "*/*") == .prometheus)
        #expect(MetricsFormat(accept: "Application/OpenMetrics-Text;version=1.0.0,text/plain;q=0.5") == .openMetrics)
    }
}
