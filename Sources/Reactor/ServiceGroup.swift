/// Runs services as one: started in order, drained in reverse order.
public struct ServiceGroup: Sendable {
    private let services: [any Service]
    private let loop: EventLoop

    /// - Parameters:
    ///   - services: those that others stand on first.
    ///   - loop: where each of them starts.
    public init(_ services: [any Service], on loop: EventLoop) {
        self.services = services
        self.loop = loop
    }

    /// Runs all services until this task is cancelled or one of them ends; then drains the others.
    /// - Throws: what the first failing service threw.
    public func run() async throws {
        let (ends, end) = AsyncStream.makeStream(of: (any Error)?.self)
        // Owned by this function, which awaits each of them before it returns: a group's children can't be cancelled singly.
        let tasks = services.map { service in
            Task(executorPreference: loop) {
                do {
                    try await service.run()
                    end.yield(nil)
                } catch is CancellationError {
                    end.yield(nil)
                } catch {
                    end.yield(error)
                }
            }
        }
        // A cancelled iteration returns nil: also the signal to drain.
        var iterator = ends.makeAsyncIterator()
        let first = await iterator.next() ?? nil
        for task in tasks.reversed() {
            task.cancel()
            await task.value
        }
        if let first { throw first }
    }
}
