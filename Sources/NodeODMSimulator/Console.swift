import Glibc

/// Lines to people and to whoever waits for the node to be ready.
enum Console {
    /// A line on standard output, at once.
    static func say(_ line: String) { write(line, to: 1) }
    /// A line on standard error.
    static func log(_ line: String) { write(line, to: 2) }

    private static func write(_ line: String, to descriptor: Int32) {
        // Nobody may be listening any more; the node goes on.
        _ = Array((line + "\n").utf8).withUnsafeBytes { Disk.append($0, to: descriptor) }
    }
}
