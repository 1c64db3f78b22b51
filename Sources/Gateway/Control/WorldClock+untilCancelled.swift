internal import Reactor

extension WorldClock {
    /// For a service that has nothing to do yet: where it returned, the whole program would end.
    /// - Throws: `CancellationError`, once its task is cancelled.
    func untilCancelled() async throws -> Never {
        while true { try await sleep(for: .seconds(86_400)) }
    }
}
