import HTTPTypes
import Testing

@testable import Backends

@Suite("Console lines keep their numbers")
struct LogMergerTests {
    private static func line(_ second: Int, _ text: String, nanoseconds: String = "000000000") -> String {
        let padded = second < 10 ? "0\(second)" : "\(second)"
        return "2026-11-24T08:00:\(padded).\(nanoseconds)Z \(text)"
    }

    /// Streams one console into a merger from where it stands, as a server does: whole seconds.
    private static func stream(_ lines: [String], pod: String = "a", into merger: inout LogMerger) {
        let since = merger.since(pod: pod)
        merger.begin(pod: pod)
        for line in lines {
            let time = RFC3339.nanoseconds(line.prefix { $0 != " " }) ?? 0
            if let since, time < since * 1_000_000_000 { continue }
            merger.take(line)
        }
    }

    @Test("a stream broken at any place goes on without a lost or doubled line, though many lines bear one time")
    func reconnect() {
        let console = (0..<40).map {
            Self.line($0 / 8, "line \($0)", nanoseconds: $0 % 8 < 5 ? "000000000" : "500000000")
        }
        for broken in 0...console.count {
            var merger = LogMerger()
            Self.stream(Array(console.prefix(broken)), into: &merger)
            Self.stream(console, into: &merger)
            #expect(merger.lines(from: 0) == (0..<40).map { "line \($0)" }, "broken after \(broken)")
        }
    }

    @Test("a second pod begins with a separator, and later readers get the same numbers")
    func retries() {
        var merger = LogMerger()
        Self.stream([Self.line(1, "one"), Self.line(2, "two")], pod: "a", into: &merger)
        Self.stream([Self.line(9, "three")], pod: "b", into: &merger)
        let lines = ["one", "two", "--- the task is tried again in another pod ---", "three"]
        #expect(merger.lines(from: 0) == lines)
        #expect(merger.lines(from: 3) == ["three"])
        #expect(merger.lines(from: 4) == [] && merger.lines(from: 99) == [])
        var later = LogMerger(taken: 2)
        Self.stream([Self.line(1, "one"), Self.line(2, "two")], pod: "a", into: &later)
        Self.stream([Self.line(9, "three")], pod: "b", into: &later)
        later.caughtUp()
        #expect(later.lines(from: 2) == Array(lines[2...]))
    }

    @Test("lines that a kubelet threw away leave a mark, not a hole in the numbers")
    func rotation() {
        var merger = LogMerger()
        Self.stream([Self.line(1, "one"), Self.line(2, "two")], into: &merger)
        Self.stream([Self.line(7, "eight")], into: &merger)
        #expect(merger.lines(from: 0) == ["one", "two", "--- some lines of the console are lost here ---", "eight"])
        var restarted = LogMerger(taken: 5)
        Self.stream([Self.line(7, "eight")], into: &restarted)
        restarted.caughtUp()
        #expect(restarted.lines(from: 5) == ["--- some lines of the console are lost here ---"])
        Self.stream([Self.line(7, "eight"), Self.line(8, "nine")], into: &restarted)
        #expect(restarted.lines(from: 6) == ["nine"])
    }

    @Test("the executor's lines and the runner's markers aren't shown; markers count")
    func markers() {
        var merger = LogMerger()
        Self.stream(
            [
                Self.line(1, "time=\"2026\" level=info msg=\"sub-process exited\" argo=true"),
                Self.line(1, "{\"level\":\"info\",\"argo\":true}"), Self.line(1, "##gw-images 12"),
                Self.line(2, "##gw-progress 40"), Self.line(3, "##gw-progress 30"), Self.line(4, "##gw-progress 1e99"),
                Self.line(5, "##gw-other 1"), Self.line(6, "text"), Self.line(7, "##gw-images -4"),
            ], into: &merger)
        #expect(merger.lines(from: 0) == ["##gw-other 1", "text", "##gw-images -4"])
        #expect(merger.progress == 99 && merger.images == 12)
    }

    @Test("what is left in the object store only adds")
    func leftover() {
        var merger = LogMerger()
        Self.stream([Self.line(1, "gateway: hello"), Self.line(2, "one"), Self.line(3, "two")], into: &merger)
        merger.appendRest(of: "one\ntwo\nthree\n")
        #expect(merger.lines(from: 0) == ["gateway: hello", "one", "two", "three"])
        var empty = LogMerger()
        empty.begin(pod: "a")
        empty.appendRest(of: "one\n\ntwo")
        #expect(empty.lines(from: 0) == ["one", "", "two"])
    }

    @Test("a clock that is put back loses nothing of a stream that goes on")
    func clockBack() {
        var merger = LogMerger()
        Self.stream([Self.line(5, "one"), Self.line(3, "two"), Self.line(6, "three")], into: &merger)
        #expect(merger.lines(from: 0) == ["one", "two", "three"])
    }

    @Test("lines are made harmless")
    func harmless() {
        var merger = LogMerger()
        Self.stream([Self.line(1, "\u{1B}[31mred\u{1B}[0m"), Self.line(1, "error"), "no time at all"], into: &merger)
        #expect(merger.lines(from: 0) == ["red", "error ", "no time at all"])
    }
}

@Suite("Streams are cut into lines")
struct StreamLinesTests {
    private static func lines(_ text: String, isFramed: Bool, pieces: Int) throws -> [String] {
        var lines = StreamLines(isFramed: isFramed)
        var found: [String] = []
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            lines.append(Array(bytes[start..<min(start + pieces, bytes.count)]))
            while let line = try lines.next() { found.append(String(decoding: line, as: UTF8.self)) }
        }
        if let rest = lines.rest() { found.append(String(decoding: rest, as: UTF8.self)) }
        return found
    }

    @Test("events, bare lines and keep-alives, in pieces of any size", arguments: [1, 2, 7, 1000])
    func framed(pieces: Int) throws {
        let text = ":\n\ndata: {\"a\":1} \n\n\n:\n{\"b\":2}\r\n\ndata:{\"c\":3}"
        #expect(try Self.lines(text, isFramed: true, pieces: pieces) == ["{\"a\":1}", "{\"b\":2}", "{\"c\":3}"])
    }

    @Test("a plain console keeps empty lines and colons", arguments: [1, 5, 1000])
    func plain(pieces: Int) throws {
        #expect(try Self.lines("a\n\n: b\n", isFramed: false, pieces: pieces) == ["a", "", ": b"])
    }

    @Test("a line without an end is given up")
    func endless() {
        var lines = StreamLines(isFramed: true)
        #expect(throws: ArgoError.self) {
            for _ in 0..<10 {
                lines.append([UInt8](repeating: 0x61, count: 1 << 20))
                _ = try lines.next()
            }
        }
    }
}
