/// What happened to a task. A closed set: safe as a metric label.
public enum EventKind: String, Sendable, CaseIterable {
    // The upload
    case initialized, committed, uploadAbandoned
    // An http(s) zipurl
    case fetchStarted, fetchFailed, fetched
    // The queue
    case waiting, passedOver, prefetching, prefetchMoved, promoted
    // The attempt
    case chosen, sending, committing, accepted, released, refused, renamed, imagesDiffer, outcomeUnknown
    // The run
    case running, sectionStarted, silent, vanished, fenced, adopted
    // The end
    case completed, failed, canceled
    // The owner's wishes
    case cancelRequested, removeRequested, restartRequested, restartedInPlace
    // An operator's wish
    case moveRequested
    // Afterwards
    case inputsExpired, resultsPurged, webhookDelivered, webhookFailed, webhookGivenUp
    // Anything else worth telling
    case note
}
