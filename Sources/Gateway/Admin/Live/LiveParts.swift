internal import Reactor

/// What a dashboard shows beside backends and tasks, and the services that know it.
struct LiveParts: Sendable {
    let gateway: GatewayResource
    let history: HistoryKeeper
    let events: EventStream

    /// What runs.
    var services: [any Service] { [history, events] }

    /// - Parameters:
    ///   - identity: what stays the same.
    ///   - parts: what is looked at.
    ///   - tasks: writes tasks as the admin API shows them.
    ///   - health: the database and the storage as last seen.
    ///   - loop: has the record asked.
    init(
        _ identity: GatewayResource.Identity, _ parts: DispatchParts, tasks: TasksResource, _ health: HealthWatch,
        loop: EventLoop
    ) {
        let (metrics, store, clock) = (parts.metrics, parts.store, parts.clock)
        let history = HistoryKeeper(
            .init(fleet: parts.fleet, mirror: parts.mirror, traffic: { metrics.listeners.traffic(of: "api") }),
            clock: clock)
        let gateway = GatewayResource(
            identity: identity, census: metrics.census, duties: parts.duties, health: health, history: history,
            clock: clock)
        let sources = EventStream.Sources(
            tasks: tasks, fleet: parts.fleet, mirror: parts.mirror, clock: clock, gateway: { gateway.json },
            samples: history.samples, recount: { await metrics.census.renew(from: store, on: loop) })
        self.gateway = gateway
        self.history = history
        events = EventStream(sources, changes: parts.changes)
    }
}
