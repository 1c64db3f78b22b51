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
}
