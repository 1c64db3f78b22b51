public import Reactor

/// A server on loopback whose every connection follows a test's script.
///
/// Invariant of `@unchecked Sendable`: made and used on its loop's thread only.
public final class ScriptedServer: @unchecked Sendable {
    /// What a connection does: gets the connection and its number, from 0 on. It is closed when the script ends.
    public typealias Script = @Sendable (ScriptedConnection, Int) async throws -> Void

    /// Where it listens.
    public let address: SocketAddress
    /// How many connections came.
    public private(set) var connectionCount = 0
    private let listener: Listener

    /// Starts to listen on a port of the system's choice.
    /// - Parameters:
    ///   - loop: whose thread calls this.
    ///   - script: runs on the loop, once a connection.
    /// - Throws: `ReactorError`.
    public init(on loop: EventLoop, script: @escaping Script) throws {
        listener = try Listener.bind(try ScriptedConnection.loopback, on: loop, reusePort: true)
        address = listener.localAddress
        Task(executorPreference: loop) { [self] in
            while let socket = try? await listener.accept() {
                let connection = LoopBound(ScriptedConnection(socket))
                let number = connectionCount
                connectionCount += 1
                Task(executorPreference: loop) {
                    try? await script(connection.value, number)
                    connection.value.close()
                }
            }
        }
    }

    /// Stops listening; connections go on by their script.
    public func stop() { listener.close() }
}
