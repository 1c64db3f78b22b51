import Observability
import Synchronization
import Testing

@Suite("Log lines")
struct LoggerTests {
    let captured = Captured()

    @Test("a JSON line holds the moment, the level, the message, the bound and the given metadata")
    func jsonLine() {
        let logger = Logger(sink: captured.sink(.json)).child(["backend": "node1", "slots": 4])
        logger.info("load read", ["ok": true, "seconds": 0.5, "count": .number(UInt8(7))])
        logger.sink.flush()
        let metadata = #""backend":"node1","slots":4,"count":7,"ok":true,"seconds":0.5"#
        #expect(
            captured.text == #"{"time":"2026-01-31T23:59:59.123Z","level":"info","message":"load read",\#(metadata)}"#
                + "\n")
    }

    @Test("a text line is for people, and quotes what could be misread")
    func textLine() {
        let logger = Logger(sink: captured.sink(.text))
        logger.info(
            "task placed", ["on": "node1", "why": "least wait", "forged": "a b=c\n\u{1B}[2J\u{9B}1m", "empty": ""])
        logger.sink.flush()
        #expect(
            captured.text
                == #"2026-01-31T23:59:59.123Z INFO  task placed empty="" forged="a b=c\n\u001b[2J\u009b1m" on=node1 why="least wait""#
                + "\n")
    }

    @Test("lines below the level cost nothing: their metadata isn't computed")
    func belowLevel() {
        let logger = Logger(sink: captured.sink(.json), level: .warning)
        var computed = false
        logger.info(
            "unseen",
            {
                computed = true; return [:]
            }())
        logger.sink.flush()
        #expect(!computed)
        #expect(captured.text.isEmpty)
    }

    @Test("lines are gathered until 8 KiB")
    func gathers() {
        let logger = Logger(sink: captured.sink(.json))
        logger.info("first")
        #expect(captured.writeCount == 0)
        while captured.writeCount == 0 { logger.info("another") }
        #expect(captured.writeCount == 1)
        #expect(captured.text.utf8.count >= 8 << 10)
        #expect(captured.text.utf8.count < 9 << 10)
    }

    @Test("a warning is written at once, after the lines before it")
    func warningFlushes() {
        let logger = Logger(sink: captured.sink(.text))
        logger.info("before")
        logger.warning("trouble")
        #expect(captured.writeCount == 1)
        #expect(captured.text.hasSuffix("INFO  before\n2026-01-31T23:59:59.123Z WARN  trouble\n"))
    }

    @Test("a line of the access log is written behind its moment, and what could be misread in it is escaped")
    func accessLine() {
        let logger = Logger(sink: captured.sink(.text))
        let paths = ["/a\"\u{7F}é", "/plain", ""]
        logger.accessLine(atMost: 200) { pen in
            for path in paths {
                pen.append(" ")
                var path = path
                path.withUTF8 { pen.appendQuoted($0) }
            }
            for number in [Int64.min, 0, 7, 1_000_000, .max] {
                pen.append(" ")
                pen.append(number)
            }
        }
        logger.sink.flush()
        #expect(
            captured.text
                == #"2026-01-31T23:59:59.123Z "/a\"\u007f\u00c3\u00a9" "/plain" "" -9223372036854775808 0 7 1000000 9223372036854775807"#
                + "\n")
    }

    @Test("in JSON a line of the access log is one object, with the ids of its request")
    func accessLineInJSON() {
        let logger = Logger(sink: captured.sink(.json))
        let trace = TraceContext(following: "00-0123456789abcdef00000000deadbeef-0000000000000001-01")
        logger.accessLine(atMost: 200) { pen in
            pen.append(raw: Array(#","status":"#.utf8))
            pen.append(200)
            pen.append(trace, as: .json)
        }
        logger.sink.flush()
        #expect(
            captured.text
                == #"{"time":"2026-01-31T23:59:59.123Z","status":200,"request":"\#(trace.span)","trace":"0123456789abcdef00000000deadbeef"}"#
                + "\n")
    }

    @Test("a message's own text is escaped too, and what ends a line can't forge a second one")
    func escapes() {
        let logger = Logger(sink: captured.sink(.json))
        logger.info("said", ["text": "\u{85}ä\u{1}\n", "path": "/b\\"])
        logger.sink.flush()
        #expect(captured.text.hasSuffix(#""path":"/b\\","text":"\u0085ä\u0001\n"}"# + "\n"))
    }

    @Test("lines of many threads stay whole, and none is lost")
    func manyThreads() async {
        let logger = Logger(sink: captured.sink(.text))
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<8 {
                group.addTask {
                    for _ in 0..<500 { logger.log(number == 0 ? .warning : .info, "line", ["by": .number(number)]) }
                }
            }
        }
        logger.sink.flush()
        let lines = captured.text.split(separator: "\n")
        #expect(lines.count == 4000)
        #expect(lines.allSatisfy { $0.hasPrefix("2026-01-31T23:59:59.123Z ") && $0.contains(" line by=") })
    }

    @Test("while the reader is stuck, memory is bounded and the loss is told")
    func dropsWhenStuck() {
        // Lines that the writer itself logs stand for another thread's while the write doesn't return.
        let inner = Mutex<Logger?>(nil)
        let sink = LogSink(format: .text, now: { 0 }) { [captured] bytes in
            if let logger = inner.withLock({ $0.take() }) {
                for _ in 0..<40_000 { logger.info("a line of forty bytes or somewhat more") }
            }
            captured.append(String(decoding: bytes, as: UTF8.self))
        }
        inner.withLock { $0 = Logger(sink: sink) }
        Logger(sink: sink).warning("first")
        sink.flush()
        #expect(captured.text.contains("WARN  log lines were dropped lines="))
        #expect(captured.text.utf8.count < 2 << 20)
    }

    @Test(
        "moments are written as dates",
        arguments: [
            (Int64(0), "1970-01-01T00:00:00.000Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (4_107_542_399_999, "2100-02-28T23:59:59.999Z"), (1_704_067_200_001, "2024-01-01T00:00:00.001Z"),
            (-5, "1970-01-01T00:00:00.000Z"), (.max, "9999-12-31T23:59:59.999Z"),
        ])
    func dates(milliseconds: Int64, text: String) {
        let logger = Logger(sink: captured.sink(.text, at: milliseconds))
        logger.accessLine(atMost: 0) { _ in }
        logger.sink.flush()
        #expect(captured.text == text + "\n")
    }

    @Test("levels are parsed by name")
    func levels() {
        for level in LogLevel.allCases { #expect(LogLevel(level.description) == level) }
        #expect(LogLevel("loud") == nil)
        #expect(LogLevel.error > .trace)
    }
}
