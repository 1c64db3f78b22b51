/// In which state a relayed exchange leaves the client's connection.
public enum RelayEnd: Sendable, Hashable {
    /// The answer was complete and framed: another request may follow.
    case keepAlive
    /// The connection must be closed: the answer ends with it, or was cut short.
    case close
}
