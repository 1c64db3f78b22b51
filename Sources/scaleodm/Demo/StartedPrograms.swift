import Synchronization

/// What the demo started, stopped in reverse order whatever the way out.
final class StartedPrograms: Sendable {
    private let children = Mutex<[ChildProcess]>([])

    /// Remembers one as soon as it runs.
    func add(_ child: ChildProcess) { children.withLock { $0.append(child) } }

    /// Stops all of them.
    func stop() async {
        while let child = children.withLock({ $0.popLast() }) { await child.stop() }
    }
}
