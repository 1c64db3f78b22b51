import Glibc

/// Writes to the terminal.
enum Terminal {
    static func out(_ text: String) { put(text, 1) }
    static func err(_ text: String) { put(text, 2) }

    private static func put(_ text: String, _ descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }
}
