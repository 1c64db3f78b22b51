import Observability
import Testing

@Suite("Metrics")
struct MetricsTests {
    let registry = MetricsRegistry()

    @Test("counters, gauges and histograms are exposed in the order of their making")
    func exposition() {
        let requests = registry.counters("requests_total", help: "Answered requests.", labels: "route", "status")
        requests.child("/info", "200").increment()
        requests.child("/info", "200").increment(by: 4)
        requests.child("/info", "200").increment(by: -1)
        requests.child("/info", "500").increment()
        let free = registry.gauge("free_slots", help: "Free slots.")
        free.set(7)
        free.add(-2.5)
        let time = registry.histogram("wait_seconds", help: "Waits.", bounds: [1, 0.5])
        time.observe(0.5)
        time.observe(.milliseconds(750))
        time.observe(9)
        time.observe(.nan)
        #expect(
            registry.exposition() == """
                # HELP requests_total Answered requests.
                # TYPE requests_total counter
                requests_total{route="/info",status="200"} 5
                requests_total{route="/info",status="500"} 1
                # HELP free_slots Free slots.
                # TYPE free_slots gauge
                free_slots 4.5
                # HELP wait_seconds Waits.
                # TYPE wait_seconds histogram
                wait_seconds_bucket{le="0.5"} 1
                wait_seconds_bucket{le="1"} 2
                wait_seconds_bucket{le="+Inf"} 3
                wait_seconds_sum 10.25
                wait_seconds_count 3

                """)
    }

    @Test("labels and help are escaped, names are made valid")
    func escaping() {
        registry.counters("bad-name", help: "a\\b\nc", labels: "1st").child("q\"\\\n").increment()
        #expect(
            registry.exposition() == """
                # HELP bad_name a\\\\b\\nc
                # TYPE bad_name counter
                bad_name{_1st="q\\"\\\\\\n"} 1

                """)
    }

    @Test("the same name gives the same family; another type under it can't break the program")
    func sameName() {
        registry.counter("n_total", help: "").increment()
        registry.counter("n_total", help: "").increment()
        registry.gauge("n_total", help: "").set(9)
        #expect(registry.exposition().contains("n_total 2\n"))
    }

    @Test("a removed child is no longer exposed, and missing label values are empty")
    func removal() {
        let family = registry.gauges("g", help: "", labels: "a", "b")
        family.child("1").set(1)
        #expect(registry.exposition().contains("g{a=\"1\",b=\"\"} 1"))
        family.remove("1")
        #expect(registry.exposition().isEmpty)
    }

    @Test("hooks set what lies elsewhere just before it is read")
    func hooks() {
        let depth = registry.gauge("depth", help: "")
        registry.beforeExposition { depth.set(Double.infinity) }
        #expect(registry.exposition().contains("depth +Inf\n"))
    }

    @Test("concurrent additions are all counted")
    func concurrent() async {
        let counter = Counter()
        let gauge = Gauge()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<1000 {
                        counter.increment()
                        gauge.increment()
                    }
                }
            }
        }
        #expect(counter.value == 4000)
        #expect(gauge.value == 4000)
    }
}

@Suite("Request ids")
struct RequestIDTests {
    @Test("an id has 16 hexadecimal digits, and a source never repeats one")
    func ids() {
        let source = RequestIDSource()
        let ids = Set((0..<10_000).map { _ in source.next() })
        #expect(ids.count == 10_000)
        #expect(RequestID(bits: 0xAB).description == "00000000000000ab")
        #expect(RequestID(bits: 0x0123_4567_89AB_CDEF).description == "0123456789abcdef")
        var line = LogLine()
        RequestID(bits: .max).append(to: &line)
        #expect(String(decoding: line.bytes, as: UTF8.self) == "ffffffffffffffff")
    }

    @Test("a seeded source is reproducible")
    func seeded() {
        #expect(RequestIDSource(seed: 1).next() == RequestIDSource(seed: 1).next())
    }
}
