/// Cuts a stream into lines, and takes off what frames a message: `data:` of server-sent events, comments, empty lines.
struct StreamLines {
    /// A line can be a whole workflow.
    static let longest = 8_388_608

    private let isFramed: Bool
    private var buffer: [UInt8] = []
    private var start = 0
    private var searched = 0

    init(isFramed: Bool) { self.isFramed = isFramed }

    mutating func append(_ bytes: [UInt8]) {
        if start > 0 {
            buffer.removeFirst(start)
            searched -= start
            start = 0
        }
        buffer += bytes
    }

    /// The next whole line with something in it.
    mutating func next() throws(ArgoError) -> ArraySlice<UInt8>? {
        while let end = buffer[searched...].firstIndex(of: 0x0A) {
            let line = buffer[start..<end]
            start = end + 1
            searched = start
            if let content = content(of: line) { return content }
        }
        searched = buffer.count
        guard buffer.count - start <= Self.longest else {
            throw ArgoError(.malformedAnswer, status: 200, "a line of the stream is longer than 8 MiB")
        }
        return nil
    }

    /// What stands after the last line end.
    func rest() -> ArraySlice<UInt8>? { start < buffer.count ? content(of: buffer[start...]) : nil }

    private func content(of line: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        var line = line
        if line.last == 0x0D { line = line.dropLast() }
        // A console's own lines may be empty, and may begin with a colon.
        guard isFramed else { return line }
        guard let first = line.first, first != UInt8(ascii: ":") else { return nil }
        if line.starts(with: Array("data:".utf8)) { line = line.dropFirst(5) }
        while line.first == 0x20 { line = line.dropFirst() }
        while line.last == 0x20 { line = line.dropLast() }
        return line.isEmpty ? nil : line
    }
}
