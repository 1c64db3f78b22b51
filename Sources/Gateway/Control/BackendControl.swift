/// What the admin API changes backends through.
struct BackendControl: Sendable {
    let roster: Roster
    let dispatcher: Dispatcher
    let parts: DispatchParts
    /// nil where the inventory came from nowhere that can be read again.
    var reloader: Reloader?
}
