import Backends
import HTTPRelay
import HTTPTypes
import Model
import Observability
import Reactor
import SQL
import TestSupport
import Testing

@testable import Gateway
@testable import HTTPServer

@Suite("The gateway's metrics")
struct GatewayMetricsTests {
    private func entry(
        _ method: HTTPMethod?, route: Int?, status: Int, milliseconds: Int64 = 1, loop: Int = 0
    ) -> AccessLogEntry {
        AccessLogEntry(
            request: method.map { HTTPRequest($0, "/task/secret-name/info?token=x") }, route: "", routeIndex: route,
            trace: nil, loopIndex: loop, status: status, bytesIn: 10, bytesOut: 20,
            nanoseconds: milliseconds * 1_000_000, peer: nil, isComplete: true)
    }

    private func exposition(_ counts: HTTPMetrics) -> String {
        let registry = MetricsRegistry()
        ListenerMetrics(registry).add(counts, nil)
        return registry.exposition()
    }

    @Test("requests are counted by route, method and status, over all loops")
    func requests() {
        let counts = HTTPMetrics(listener: "api", routes: ["info", "upload"], loops: 2)
        #expect(counts.note(entry(.get, route: 0, status: 200)) == 0)
        #expect(counts.note(entry(.get, route: 0, status: 200)) == 1)
        #expect(counts.note(entry(.get, route: 0, status: 200, loop: 1)) == 0, "each loop has its own")
        _ = counts.note(entry(.post, route: 1, status: 503, milliseconds: 2500))
        _ = counts.note(entry(.head, route: nil, status: 404))
        let text = exposition(counts)
        for line in [
            #"requests_total{listener="api",route="info",method="GET",code="200"} 3"#,
            #"requests_total{listener="api",route="upload",method="POST",code="503"} 1"#,
            #"requests_total{listener="api",route="none",method="HEAD",code="404"} 1"#,
            #"duration_seconds_bucket{listener="api",route="upload",le="1"} 0"#,
            #"duration_seconds_bucket{listener="api",route="upload",le="2.5"} 1"#,
            #"duration_seconds_sum{listener="api",route="upload"} 2.5"#,
            #"duration_seconds_count{listener="api",route="info"} 3"#, "received_bytes_total 50",
            "sent_bytes_total 100",
        ] {
            #expect(text.contains(line + "\n"), "\(line)")
        }
    }

    @Test(
        "whatever comes is counted under a known label",
        arguments: [
            (-5, "other"), (0, "0"), (99, "other"), (299, "other"), (599, "other"), (600, "other"), (.max, "other"),
        ])
    func strange(status: Int, label: String) {
        let counts = HTTPMetrics(listener: "api", routes: ["info"], loops: 1)
        _ = counts.note(entry(.other("BREW"), route: 7, status: status, milliseconds: -3))
        _ = counts.note(entry(nil, route: nil, status: status, loop: 9))
        #expect(
            exposition(counts).contains(#"{listener="api",route="none",method="other",code="\#(label)"} 1"# + "\n"))
    }

    @Test("what a backend is asked is counted with its outcome, downloads of all loops together")
    func upstream() async throws {
        let metrics = GatewayMetrics()
        let name = BackendName(recorded: "a")
        let counts = metrics.upstream.counts(of: name)
        #expect(try await counts.measure(.load) { () throws(BackendError) in 7 } == 7)
        await #expect(throws: BackendError.self) {
            try await counts.measure(.commit) { () throws(BackendError) in
                throw BackendError(.busy, backend: name, "full")
            }
        }
        let (one, other) = (counts.makeRelayed(), counts.makeRelayed())
        one.note(nil, since: .now())
        other.note(nil, since: .now())
        other.note(.clientClosed, since: .now())
        let text = metrics.registry.exposition()
        for line in [
            #"requests_total{backend="a",operation="load",outcome="ok"} 1"#,
            #"requests_total{backend="a",operation="commit",outcome="busy"} 1"#,
            #"requests_total{backend="a",operation="download",outcome="ok"} 2"#,
            #"requests_total{backend="a",operation="download",outcome="clientClosed"} 1"#,
            #"duration_seconds_count{backend="a",operation="download"} 3"#,
            #"connections{backend="a",state="calling"} 0"#,
        ] {
            #expect(text.contains(line + "\n"), "\(line)")
        }
        #expect(!text.contains(#"operation="restart""#))
    }

    @Test("statements are timed by name, inside transactions too, and a failure comes through")
    func database() async throws {
        try await ScratchDatabase.sqlite.withDatabase { database async throws in
            let metrics = GatewayMetrics()
            let measured = MeasuredDatabase(database: database, metrics: metrics.database)
            let make = Statement("note.make", "CREATE TABLE notes (text TEXT)")
            let add = Statement("note.add", "INSERT INTO notes (text) VALUES ($1)")
            _ = try await measured.execute(make())
            try await measured.transaction { session in
                for _ in 0..<3 { _ = try await session.execute(add(.text("x"))) }
            }
            #expect(try await measured.query(Statement("note.count", "SELECT COUNT(*) FROM notes")()).count == 1)
            await #expect(throws: DatabaseError.self) {
                _ = try await measured.query(Statement("note.wrong", "SELECT nothing FROM notes")())
            }
            let text = metrics.registry.exposition()
            for (name, count) in [
                ("note.make", 1), ("note.add", 3), ("note.count", 1), ("note.wrong", 1), ("transaction", 1),
            ] {
                #expect(text.contains(#"duration_seconds_count{statement="\#(name)"} \#(count)"# + "\n"), "\(name)")
            }
        }
    }

    @Test("a refused reload leaves the moment of the last good one")
    func reload() {
        let metrics = GatewayMetrics()
        metrics.noteReload(isSuccessful: true, at: Timestamp(milliseconds: 5000))
        metrics.noteReload(isSuccessful: false, at: Timestamp(milliseconds: 9000))
        let text = metrics.registry.exposition()
        #expect(text.contains("scaleodm_config_last_reload_successful 0\n"))
        #expect(text.contains("scaleodm_config_last_reload_success_timestamp_seconds 5\n"))
    }
}
