import Reactor
import Testing

@testable import scaleodm

@Suite("Progress")
struct ProgressBarTests {
    private func bytes(_ done: Int64, of total: Int64?, rate: Double? = nil) -> ProgressBar {
        ProgressBar(title: "Uploading", measure: .bytes(done: done, total: total, rate: rate))
    }

    @Test("a bar shows its share, bytes, rate and what is left")
    func bar() {
        let line = bytes(1 << 20, of: 4 << 20, rate: 1_048_576).line(width: 120, elapsed: .seconds(1))
        #expect(
            line
                == "Uploading [##########..............................] 25 %  1.0 MiB of 4.0 MiB  1.0 MiB/s  3 s left")
    }

    @Test("a line stays below the terminal's width, whatever that is", arguments: [0, 1, 5, 20, 40, 60, 80, 200])
    func width(width: Int) {
        for measure in [
            ProgressBar.Measure.bytes(done: 5, total: 10, rate: 3), .bytes(done: 5, total: nil, rate: nil),
            .percent(37, note: "waiting for a free slot"),
        ] {
            let line = ProgressBar(title: "Processing", measure: measure).line(width: width, elapsed: .seconds(3700))
            #expect(line.count <= max(0, width - 1))
        }
    }

    @Test("nothing breaks a bar: more than all, less than nothing, no total, no bytes at all")
    func extremes() {
        #expect(bytes(20, of: 10).line(width: 100, elapsed: .zero).contains("100 %"))
        #expect(bytes(-5, of: 10).line(width: 100, elapsed: .zero).contains("] 0 %"))
        #expect(bytes(7, of: nil).line(width: 100, elapsed: .zero) == "Uploading  7 B")
        #expect(!bytes(0, of: 0).line(width: 100, elapsed: .zero).contains("%"))
        #expect(!bytes(0, of: .max, rate: .infinity).line(width: 100, elapsed: .zero).isEmpty)
        let nan = ProgressBar(title: "P", measure: .percent(.nan, note: ""))
        #expect(nan.line(width: 100, elapsed: .zero).contains("0 %"))
    }

    @Test("away from a terminal there are no bars and nothing is cut")
    func plain() {
        let line = bytes(5, of: 10).line(width: nil, elapsed: .zero)
        #expect(line == "Uploading: 50 %  5 B of 10 B")
    }

    @Test(
        "durations are short",
        arguments: [(0, "0 s"), (59, "59 s"), (60, "1 min 0 s"), (3600, "1 h 0 min"), (90_000, "1 d 1 h")])
    func durations(seconds: Int, text: String) {
        #expect(Duration.seconds(seconds).shortText == text)
    }

    @Test("the rate is that of the last seconds, and begins anew when something is sent again")
    func rate() {
        var meter = RateMeter()
        func at(_ seconds: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: seconds * 1_000_000_000) }
        meter.note(0, at: at(0))
        #expect(meter.bytesPerSecond == nil)
        for second in 1...10 { meter.note(Int64(second) * 100, at: at(Int64(second))) }
        #expect(meter.bytesPerSecond == 100)
        for second in 11...20 { meter.note(1000 + Int64(second - 10) * 500, at: at(Int64(second))) }
        #expect(meter.bytesPerSecond == 500)
        meter.note(10, at: at(21))
        #expect(meter.bytesPerSecond == nil)
    }

    @Test("names from strangers can't drive the terminal")
    func printable() {
        #expect("a\u{1B}[2Jb\u{9B}c\u{202E}d\n".printable == "a?[2Jb?c?d?")
        #expect("Flug über Zürich 🛩".printable == "Flug über Zürich 🛩")
    }

    @Test("columns are aligned, and no line ends with blanks")
    func table() {
        var table = TextTable(["A", "BB", "C"])
        table.add([.init("long word"), .init("x"), .init("")])
        table.add([.init("s"), .init("yyy"), .init("end")])
        #expect(table.text == "A          BB   C\nlong word  x\ns          yyy  end\n")
    }
}
