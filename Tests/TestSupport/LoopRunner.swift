public import Reactor

/// Runs test code on an event loop of its own thread.
public enum LoopRunner {
    /// Starts a loop, runs the body there, and stops the loop.
    /// - Parameter body: gets the loop that it runs on.
    /// - Returns: what the body returned.
    /// - Throws: what the body threw.
    public static func onLoop<Result: Sendable>(
        _ body: @escaping @Sendable (EventLoop) async throws -> Result
    ) async throws -> Result {
        let group = try EventLoopGroup(loops: 1, name: "test")
        group.start()
        let loop = group.loops[0]
        // Stopped, not joined: this code may itself run on one of Swift's few threads.
        defer { loop.stop() }
        return try await Task(executorPreference: loop) { try await body(loop) }.value
    }
}
