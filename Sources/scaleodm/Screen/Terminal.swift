internal import CShims
import Glibc

/// What the program is started from: a terminal, a script, a pipe.
enum Terminal {
    /// Writes to standard output: what a script reads.
    static func out(_ text: String) { put(text, 1) }
    /// Writes to standard error: what people read.
    static func err(_ text: String) { put(text, 2) }

    /// Whether people see standard error: then there are bars.
    static var errIsTerminal: Bool { isatty(2) == 1 }
    /// Whether people see standard output.
    static var outIsTerminal: Bool { isatty(1) == 1 }
    /// Whether somebody can be asked.
    static var canAsk: Bool { isatty(0) == 1 && errIsTerminal }

    /// Columns of standard error.
    static var width: Int {
        let columns = Int(shim_terminal_columns(2))
        return columns > 0 ? columns : 80
    }

    /// Text in a colour where standard output is a terminal that wants it (no-color.org).
    static func coloured(_ text: String, _ colour: Colour) -> String {
        guard outIsTerminal, getenv("NO_COLOR").map({ $0.pointee == 0 }) ?? true else { return text }
        guard getenv("TERM").map({ String(cString: $0) }) != "dumb" else { return text }
        return "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m"
    }

    /// Begins the screen anew where standard output is a terminal; else an empty line parts what follows.
    static var clear: String {
        let isPlain = !outIsTerminal || getenv("TERM").map { String(cString: $0) } == "dumb"
        return isPlain ? "\n" : "\u{1B}[H\u{1B}[2J"
    }

    /// The few that are used.
    enum Colour: Int {
        case red = 31
        case green = 32
        case yellow = 33
        case grey = 90
    }

    private static func put(_ text: String, _ descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }
}
