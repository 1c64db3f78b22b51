/// What is told of a socket where no task waits for it. Called on the loop's thread, between other sockets' turns: it must not block.
public protocol ReadWatcher: AnyObject {
    /// Something has come, or the socket is closed: reading says which.
    func readMayGoOn()
    /// Nothing has come by `readDeadline`.
    func readTimedOut()
}
