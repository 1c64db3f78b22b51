public import Model

/// Why a backend isn't chosen for a task. A closed set: `code` is safe as a metric label.
public enum Reason: Sendable, Equatable {
    /// It left the inventory.
    case retired
    /// An operator locked it.
    case locked
    /// It takes no new tasks.
    case draining
    /// Its last readings failed.
    case offline
    /// It hasn't answered yet since the start.
    case neverRead
    /// It failed just now and is left alone until a moment.
    case failing(until: Timestamp)
    /// After a failure one task is being tried there.
    case probing
    /// It takes fewer images.
    case tooManyImages(limit: Int)
    /// Its engine lacks an option.
    case unknownOption(String)
    /// It lacks a label of the token.
    case missingLabel(String)
    /// Its kind can't take such a task.
    case unsupported(TaskNeeds)
    /// The engine's image that the task names isn't allowed there.
    case imageNotAllowed(String)
    /// The task goes on with a project that another backend holds.
    case lacksProject
    /// It refused this task, or an operator moved the task elsewhere; and others haven't refused it yet.
    case refusedBefore
    /// No slot is free.
    case full(slots: Int)
    /// Lower tiers come first, until `spill_after` is over.
    case higherTier(Int)

    /// Safe as a metric label.
    public var code: String {
        switch self {
        case .retired: "retired"
        case .locked: "locked"
        case .draining: "draining"
        case .offline: "offline"
        case .neverRead: "never_read"
        case .failing: "failing"
        case .probing: "probing"
        case .tooManyImages: "too_many_images"
        case .unknownOption: "unknown_option"
        case .missingLabel: "missing_label"
        case .unsupported: "unsupported"
        case .imageNotAllowed: "image_not_allowed"
        case .lacksProject: "lacks_project"
        case .refusedBefore: "refused_before"
        case .full: "full"
        case .higherTier: "higher_tier"
        }
    }

    /// One clause for people.
    public var text: String {
        switch self {
        case .retired: "left the inventory"
        case .locked: "is locked"
        case .draining: "is draining"
        case .offline: "doesn't answer; check that it runs and that its url is right"
        case .neverRead: "hasn't answered yet"
        case .failing: "failed just now and is left alone for a while"
        case .probing: "is being tried with one task after a failure"
        case .tooManyImages(let limit): "takes at most \(limit) images"
        case .unknownOption(let name): "doesn't know the option \"\(name)\""
        case .missingLabel(let label): "lacks the label \(label)"
        case .unsupported(let needs): "can't take \(needs.text)"
        case .imageNotAllowed(let image): "doesn't allow the image \(image)"
        case .lacksProject: "doesn't hold the project that this task goes on with"
        case .refusedBefore: "is passed over: it refused this task, or an operator moved it elsewhere"
        case .full(let slots): slots == 1 ? "has its one slot in use" : "has all \(slots) slots in use"
        case .higherTier(let tier): "is in tier \(tier), which waits for scheduling.spill_after"
        }
    }

    /// Whether the backend can take the task, and only a slot is wanting.
    var isAboutSlots: Bool {
        switch self {
        case .full, .higherTier: true
        case .retired, .locked, .draining, .offline, .neverRead, .failing, .probing, .tooManyImages, .unknownOption,
            .missingLabel, .unsupported, .imageNotAllowed, .lacksProject, .refusedBefore:
            false
        }
    }

    /// Whether the backend is left alone for a short while after a failure.
    var isAboutFailures: Bool {
        switch self {
        case .failing, .probing: true
        case .retired, .locked, .draining, .offline, .neverRead, .tooManyImages, .unknownOption, .missingLabel,
            .unsupported, .imageNotAllowed, .lacksProject, .refusedBefore, .full, .higherTier:
            false
        }
    }
}
