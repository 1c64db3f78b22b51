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
    /// Bytes of the lines' text.
    private(set) var byteCount = 0
    /// Bytes of those that the record doesn't have yet.
    private(set) var unsavedBytes = 0

    /// A tail without lines of its own: all so far are in the record.
    /// - Parameter end: how many lines there are.
    init(savedLines end: Int = 0) {
        first = end
        savedEnd = end
    }

    /// The number of the next line to come.
    var end: Int { first + lines.count }
    /// About how many bytes of memory it takes: the text, and what a line costs beside it.
    var footprint: Int { byteCount + 48 * lines.count }
    /// How much of that the record has too.
    var savedFootprint: Int { byteCount - unsavedBytes + 48 * (savedEnd - first) }
    /// Lines that the record doesn't have yet; memory never drops them.
    var unsaved: ArraySlice<String> { lines[(savedEnd - first)...] }

    /// Adds lines at the end.
    mutating func append(_ new: [String]) {
        lines.append(contentsOf: new)
        for line in new { unsavedBytes += line.utf8.count }
        for line in new { byteCount += line.utf8.count }
        dropOldest()
    }

    /// Takes older lines back in that were read from the record, as far as there is room.
    /// - Parameters:
    ///   - older: lines that end where memory begins.
    ///   - end: the number behind the last of them; others are ignored, since the tail has changed meanwhile.
    mutating func recall(_ older: [String], endingAt end: Int) {
        guard end == first, !older.isEmpty else { return }
        lines.insert(contentsOf: older, at: 0)
        first -= older.count
        for line in older { byteCount += line.utf8.count }
        dropOldest()
    }

    /// Notes that the record has all lines below a number.
    mutating func markSaved(to number: Int) {
        savedEnd = min(max(savedEnd, number), end)
        unsavedBytes = unsaved.reduce(0) { $0 + $1.utf8.count }
        dropOldest()
    }

    /// Follows what the record says: a write whose answer was lost, or lines that somebody else added.
    /// - Parameter count: how many lines the record had when it was read; fewer than are saved by now is old news.
    mutating func agree(withRecorded count: Int) {
        guard count > savedEnd else { return }
        if count <= end { markSaved(to: count) } else { self = OutputTail(savedLines: count) }
    }

    /// Drops all that the record has.
    mutating func dropSaved() {
        let saved = savedEnd - first
        for line in lines[..<saved] { byteCount -= line.utf8.count }
        // A new array, so that the old one's room is given back.
        lines = Array(lines[saved...])
        first = savedEnd
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
