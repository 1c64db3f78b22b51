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
                    guard let console = state.withLock({ $0.consoles[name] }), !console.isFollowed else { continue }
                    guard workflow.pods.contains(where: { $0.phase == "Running" }) else { continue }
                    // What is there first, to its end: only then is it known whether numbers were lost.
                    await console.poll(workflow)
                    console.isFollowed = true
                    group.addTask { await self.follow(name, console) }
                }
                do { try await clock.sleep(for: Self.pause) } catch { return }
            }
        }
    }

    private func follow(_ name: String, _ console: Console) async {
        defer { console.isFollowed = false }
        while !Task.isCancelled, let workflow = watch.fresh(name) {
            await console.follow(workflow)
            do { try await clock.sleep(for: Self.pause) } catch { return }
        }
    }
}
