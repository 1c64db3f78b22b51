import Testing

@testable import Gateway

@Suite("Output tail")
struct OutputTailTests {
    @Test("lines that the record doesn't have are never dropped")
    func unsavedStay() {
        var tail = OutputTail()
        tail.append((0..<500).map { "line \($0)" })
        #expect(tail.first == 0)
        #expect(tail.unsaved.count == 500)
        tail.markSaved(to: 500)
        #expect(tail.end == 500)
        #expect(tail.lines.count == OutputTail.maximumLines)
        #expect(tail.lines.last == "line 499")
    }

    @Test("a range that begins before memory has to come from the record")
    func olderLines() {
        var tail = OutputTail(savedLines: 10)
        tail.append(["ten", "eleven"])
        #expect(tail.lines(in: 9..<12) == nil)
        #expect(tail.lines(in: 11..<12) == ["eleven"])
        #expect(tail.lines(in: 12..<12) == [])
    }

    @Test("long lines are bounded by bytes, not only by count")
    func bytes() {
        var tail = OutputTail()
        tail.append(Array(repeating: String(repeating: "x", count: 10_000), count: 20))
        tail.markSaved(to: 20)
        #expect(tail.lines.count <= 6)
        #expect(tail.end == 20)
    }

    @Test("lines that were read from the record are kept as far as there is room")
    func recalled() {
        var tail = OutputTail(savedLines: 300)
        tail.append(["new"])
        tail.recall((100..<300).map { "line \($0)" }, endingAt: 300)
        #expect(tail.first == 101)
        #expect(tail.end == 301)
        #expect(tail.lines(in: 101..<103) == ["line 101", "line 102"])
        tail.recall(["elsewhere"], endingAt: 50)
        #expect(tail.first == 101)
        tail.recall(["line 100"], endingAt: 101)
        #expect(tail.first == 101, "there is no room")
    }

    @Test("what the record has may be dropped, and what it hasn't stays")
    func dropped() {
        var tail = OutputTail()
        tail.append(["a", "b", "c"])
        tail.markSaved(to: 2)
        tail.dropSaved()
        #expect(tail.first == 2)
        #expect(tail.lines == ["c"])
        #expect(tail.byteCount == 1)
        #expect(tail.unsavedBytes == 1)
        #expect(tail.footprint < 100)
    }

    @Test("a record that knows more is followed, and one that knows less is old")
    func agreement() {
        var tail = OutputTail(savedLines: 5)
        tail.append(["five", "six"])
        tail.agree(withRecorded: 4)
        #expect(tail.unsaved == ["five", "six"])
        tail.agree(withRecorded: 6)
        #expect(tail.unsaved == ["six"])
        #expect(tail.end == 7)
        tail.agree(withRecorded: 9)
        #expect(tail.end == 9)
        #expect(tail.unsaved.isEmpty)
    }
}
