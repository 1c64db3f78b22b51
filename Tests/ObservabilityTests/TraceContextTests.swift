import Observability
import Testing

@Suite("Trace context")
struct TraceContextTests {
    private static let field = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    @Test("a caller's trace goes on with a step of our own")
    func follows() {
        let trace = TraceContext(following: Self.field)
        #expect(trace.traceID == "4bf92f3577b34da6a3ce929d0e0e4736")
        #expect(trace.parent?.description == "00f067aa0ba902b7")
        #expect(trace.span != trace.parent && trace.isSampled)
        #expect(trace.traceparent == "00-4bf92f3577b34da6a3ce929d0e0e4736-\(trace.span)-01")
    }

    @Test("what the caller doesn't record isn't recorded here")
    func unsampled() {
        let trace = TraceContext(following: Self.field.dropLast() + "0")
        #expect(!trace.isSampled && trace.traceparent.hasSuffix("-00"))
    }

    @Test("a later version may say more behind what is known")
    func laterVersion() {
        let trace = TraceContext(following: "cc" + Self.field.dropFirst(2) + "-what-comes")
        #expect(trace.traceID == "4bf92f3577b34da6a3ce929d0e0e4736")
    }

    private static let unreadable: [String] = {
        let zeros = String(repeating: "0", count: 32)
        let rest = String(field.dropFirst(2))
        return [
            "", "00", String(field.dropLast(3)), field + "-more", field + "0", "ff" + rest, field.uppercased(),
            "00-" + zeros + String(field.dropFirst(35)), String(field.prefix(36)) + zeros.prefix(16) + "-01",
            "00_" + String(field.dropFirst(3)), "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
            String(repeating: "é", count: 28),
        ]
    }()

    @Test("a field that can't be read begins a trace", arguments: unreadable)
    func malformed(field: String) {
        let trace = TraceContext(following: field)
        #expect(trace.parent == nil && trace.isSampled)
        #expect(trace.traceID != TraceContext(following: field).traceID)
        #expect(trace.traceparent.utf8.count == 55)
    }

    @Test("a step within a step keeps the trace")
    func child() {
        let trace = TraceContext()
        let child = trace.child()
        #expect(child.traceID == trace.traceID && child.parent == trace.span && child.span != trace.span)
    }

    @Test("a line that is written within a step has its ids, in both formats")
    func inTheLog() {
        let trace = TraceContext(following: Self.field)
        for format in [LogFormat.json, .text] {
            let captured = Captured()
            let logger = Logger(sink: captured.sink(format))
            TraceContext.$current.withValue(trace) { logger.info("within", ["task": "t"]) }
            logger.info("without")
            logger.sink.flush()
            let ids =
                format == .json
                ? #""task":"t","request":"\#(trace.span)","trace":"\#(trace.traceID)"}"#
                : "task=t request=\(trace.span) trace=\(trace.traceID)"
            let lines = captured.text.split(separator: "\n")
            #expect(lines.count == 2 && lines[0].hasSuffix(ids), "\(lines)")
            #expect(lines.last?.contains("trace") == false)
        }
    }
}
