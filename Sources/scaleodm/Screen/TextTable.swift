/// Rows of text with aligned columns; the last column isn't padded, so that long reasons may wrap.
struct TextTable {
    /// One cell: its text, and how it is coloured.
    struct Cell {
        var text: String
        var colour: Terminal.Colour?

        init(_ text: String, _ colour: Terminal.Colour? = nil) {
            self.text = text.printable
            self.colour = colour
        }
    }

    let head: [String]
    private(set) var rows: [[Cell]] = []

    init(_ head: [String]) { self.head = head }

    /// Adds a row with a cell for each column.
    mutating func add(_ cells: [Cell]) { rows.append(cells) }

    /// The whole table, each line with its end.
    var text: String {
        var widths = head.map(\.count)
        for row in rows {
            for (column, cell) in row.enumerated() where column < widths.count {
                widths[column] = max(widths[column], cell.text.count)
            }
        }
        let lines = [head.map { Cell($0, .grey) }] + rows
        return lines.map { Self.line($0, widths) }.joined()
    }

    private static func line(_ cells: [Cell], _ widths: [Int]) -> String {
        var line = ""
        for (column, cell) in cells.enumerated() {
            let isLast = column == cells.count - 1
            let text = cell.colour.map { Terminal.coloured(cell.text, $0) } ?? cell.text
            line += text
            if !isLast, column < widths.count {
                line += String(repeating: " ", count: widths[column] - cell.text.count + 2)
            }
        }
        while line.hasSuffix(" ") { line.removeLast() }
        return line + "\n"
    }
}

extension String {
    /// Names and errors come from strangers: what could drive a terminal is shown as a question mark.
    var printable: String {
        String(String.UnicodeScalarView(unicodeScalars.map { Self.drivesTerminal($0) ? "?" : $0 }))
    }

    private static func drivesTerminal(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value)
            || (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
    }
}
