import Glibc

/// What this machine, or this container, is called.
enum HostName {
    /// As the system says it; `localhost` where it doesn't.
    static var current: String {
        var name = [CChar](repeating: 0, count: 256)
        let isKnown = gethostname(&name, name.count - 1) == 0
        let text = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return isKnown && !text.isEmpty ? text : "localhost"
    }
}
