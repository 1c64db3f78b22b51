/// The last console lines of a task, as memory keeps them; older ones are in the record.
///
/// Lines are numbered by the gateway from 0 and never change their number, whatever the backend's own log does.
struct OutputTail: Sendable {
    /// Memory keeps at most so many lines, and so many bytes of text.
    static let maximumLines = 200
    static let maximumBytes = 65_536

    /// The number of the first line in memory.
    private(set) var first: Int
    /// The lines in memory.
    private(set) var lines: [String] = []
    /// Lines below this number are in the record.
    private(set) var savedEnd: Int
    private var byteCount = 0

    /// A tail without lines of its own: all so far are in the record.
    /// - Parameter end: how many lines there are.
    init(savedLines end: Int = 0) {
        first = end
        savedEnd = end
    }

    /// The number of the next line to come.
    var end: Int { first + lines.count }
    /// Lines that the record doesn't have yet; memory never drops them.
    var unsaved: ArraySlice<String> { lines[(savedEnd - first)...] }

    /// Adds lines at the end.
    mutating func append(_ new: [String]) {
        lines.append(contentsOf: new)
        for line in new { byteCount += line.utf8.count }
        dropOldest()
    }

    /// Notes that the record has all lines below a number.
    mutating func markSaved(to number: Int) {
        savedEnd = min(max(savedEnd, number), end)
        dropOldest()
    }

    /// The lines of a range of numbers; nil where it begins before what memory has.
    func lines(in range: Range<Int>) -> ArraySlice<String>? {
        guard range.lowerBound >= first else { return range.isEmpty ? [] : nil }
        return lines[(range.lowerBound - first)..<(range.upperBound - first)]
    }

    private mutating func dropOldest() {
        var count = 0
        while first + count < savedEnd, lines.count - count > Self.maximumLines || byteCount > Self.maximumBytes {
            byteCount -= lines[count].utf8.count
            count += 1
        }
        guard count > 0 else { return }
        lines.removeFirst(count)
        first += count
    }
}
