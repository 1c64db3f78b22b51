internal import Backends
internal import Model
internal import Observability
internal import Reactor
internal import Record

/// What the dispatcher works with.
struct DispatchParts: Sendable {
    let store: TaskStore
    let mirror: StatusMirror
    let lookup: TaskLookup
    let fleet: Fleet
    let durable: Durable
    let clock: any WorldClock
    let random: any RandomBits
    let logger: Logger
    /// Wakes the dispatcher.
    let placement: WakeUp
    /// Wakes the cleaner.
    let cleaning: WakeUp
    /// Wakes the sender of webhooks.
    let webhookWake: WakeUp
    /// The inventory's `scheduling.attempts`.
    let attemptLimit: Int
    /// The inventory's `scheduling.impossible_after`.
    let impossibleAfter: Duration
    let webhooks: WebhookPolicy
    /// Told of every placement before it is recorded; nil where backends don't change.
    var roster: Roster?
    /// The buckets that clients name; nil without `storage.s3`.
    var buckets: ClientBuckets?
    /// Where spans go; nil where no collector is named.
    var spans: SpanQueue?
    /// Counts what happens.
    var metrics = GatewayMetrics()
    /// What the inventory allows the owners of tokens, by name; who isn't here has the defaults.
    var owners = OwnerPolicies()
    /// What this gateway does, where several share the record.
    var duties = Duties.alone
    /// Keeps gateways that are gone from writing; nil where there is but one.
    var fences: Fences?
    /// Told of what changes, for those who look on.
    var changes = LiveChanges()
    /// Whether memory hears of what others change in the record.
    var following = Following()

    /// What carries one attempt out.
    func transfer(_ attempt: AttemptRecord, _ member: FleetMember, slot: WakeUp, stage: TransferStage) -> Transfer {
        Transfer(
            attempt: attempt, backend: member.backend,
            mayCommitAgain: !member.isCluster && !member.backend.choosesNames,
            store: duties.store(store, for: .transferring), fleet: fleet, duties: duties,
            inputs: SubmissionBuilder(store: store, fleet: fleet, buckets: buckets, clock: clock), durable: durable,
            clock: clock, random: random,
            logger: logger, attemptLimit: attemptLimit, webhooks: webhooks, slot: slot, stage: stage,
            metrics: metrics)
    }

    /// Shows in the mirror what the record now says of a task.
    func refresh(_ id: TaskID) async {
        guard let record = try? await store.record(of: id) else { return }
        if record.intent == .remove {
            mirror.remove(id)
        } else {
            mirror.replace(lookup.snapshot(of: record))
        }
    }
}
