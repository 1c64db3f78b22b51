import Testing

@testable import Backends

@Suite("The console of another ScaleODM")
struct TextConsoleTests {
    private static func lines(_ range: Range<Int>) -> [String] { range.map { "line \($0)" } }

    /// An instance's answer: beyond the end it's everything again.
    private static func answer(_ text: [String], from line: Int) -> [String] {
        line < text.count ? Array(text[line...]) : text
    }

    private func ask(_ console: inout TextConsole, _ text: [String]) {
        if !console.append(Self.answer(text, from: console.next)) { console.lay(text) }
    }

    @Test("each new line is taken once")
    func grows() {
        var console = TextConsole([], from: 0)
        for count in [0, 1, 1, 5, 5, 40] { ask(&console, Self.lines(0..<count)) }
        #expect(console.lines(from: 0) == Self.lines(0..<40))
        #expect(console.lines(from: 39) == ["line 39"])
    }

    @Test("a text that lost its beginning is laid over what is known")
    func shifted() {
        var console = TextConsole(Self.lines(0..<50), from: 0)
        ask(&console, Self.lines(20..<60))
        ask(&console, Self.lines(20..<61))
        #expect(console.lines(from: 0) == Self.lines(0..<61))
    }

    @Test("a text that is shorter now, or gone, takes nothing back")
    func shorter() {
        var console = TextConsole(Self.lines(0..<50), from: 0)
        ask(&console, Self.lines(0..<30))
        ask(&console, [])
        #expect(console.lines(from: 0) == Self.lines(0..<50))
        ask(&console, Self.lines(0..<52))
        #expect(console.lines(from: 0) == Self.lines(0..<52))
    }

    @Test("another text follows behind a line that says so")
    func another() {
        var console = TextConsole(Self.lines(0..<3), from: 0)
        ask(&console, ["other", "text"])
        #expect(console.lines(from: 0) == Self.lines(0..<3) + [TextConsole.separator, "other", "text"])
    }

    @Test("an earlier life's lines keep their numbers")
    func resumed() {
        var console = TextConsole(Self.lines(0..<10), from: 7)
        #expect(console.lines(from: 7) == Self.lines(7..<10))
        #expect(console.lines(from: 6) == nil)
        ask(&console, Self.lines(0..<12))
        #expect(console.lines(from: 7) == Self.lines(7..<12))

        // A text that is shorter than what was taken: nothing is new until it grows.
        console = TextConsole(Self.lines(0..<4), from: 7)
        #expect(console.lines(from: 7)?.count == 1)
        ask(&console, Self.lines(0..<6))
        #expect(console.lines(from: 8) == Self.lines(4..<6))
    }

    @Test("what nobody asks for any more isn't kept")
    func trims() {
        var console = TextConsole(Self.lines(0..<5000), from: 0)
        console.trim(below: 4999)
        #expect(console.lines.count < 50)
        ask(&console, Self.lines(0..<5001))
        #expect(console.lines(from: 4999) == Self.lines(4999..<5001))
    }
}
