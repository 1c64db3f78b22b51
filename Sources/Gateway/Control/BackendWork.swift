internal import Backends
internal import Reactor

/// What backends do beside being asked, such as watching a cluster.
struct BackendWork: Service {
    let name = "backends"
    let fleet: Fleet
    let clock: any WorldClock

    func run() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            for member in fleet.members { group.addTask { await member.backend.run() } }
            try await clock.untilCancelled()
        }
    }
}
