internal import Glibc

/// A look at libpq's socket without reading from it.
enum PostgresSocket {
    /// True when bytes, an end or an error wait in a socket.
    static func hasInput(_ descriptor: Int32) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, 0) != 0
    }
}
