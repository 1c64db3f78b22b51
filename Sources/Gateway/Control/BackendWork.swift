internal import Backends
internal import Reactor

/// Runs what backends do beside being asked, such as their watches, as long as they are members.
struct BackendWork: Service {
    let name = "backends"
    let fleet: Fleet

    func run() async throws {
        try await fleet.forEach { member in await member.backend.run() }
    }
}
