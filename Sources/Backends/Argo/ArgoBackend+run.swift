internal import Model
internal import Reactor
import Synchronization

extension ArgoBackend {
    /// Watches the cluster and follows the consoles that somebody reads; returns when it is cancelled.
    ///
    /// Without it everything still works, by a get and a read of the console a question.
    public func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.watch.run() }
            group.addTask { await self.followConsoles() }
        }
    }

    private static let pause = Duration.seconds(1)

    private func followConsoles() async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                for (name, workflow) in watch.fresh ?? [:] {
                    // The rest is read when it is asked for: a stream holds a connection.
                    guard state.withLock({ $0.followed }) < client.mostFollowed else { break }
                    guard let console = state.withLock({ $0.consoles[name] }) else { continue }
                    guard workflow.pods.contains(where: { $0.phase == "Running" }), console.startFollowing() else {
                        continue
                    }
                    state.withLock { $0.followed += 1 }
                    group.addTask { await self.follow(name, console) }
                }
                do { try await clock.sleep(for: Self.pause) } catch { return }
            }
        }
    }

    private func follow(_ name: String, _ console: Console) async {
        defer {
            console.stopFollowing()
            state.withLock { $0.followed -= 1 }
        }
        while !Task.isCancelled, let workflow = watch.fresh(name) {
            await console.follow(workflow)
            do { try await clock.sleep(for: Self.pause) } catch { return }
        }
    }
}
