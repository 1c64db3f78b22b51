import Model
import Scheduling

/// Short ways to say what a test is about.
enum Fixture {
    static let reference = EngineOptions(["dsm", "fast-orthophoto", "feature-quality"])

    static func name(_ text: String) -> BackendName { BackendName(recorded: text) }

    static func id(_ number: Int) -> TaskID {
        guard let id = TaskID("task-\(number)") else { preconditionFailure("a number makes an identity") }
        return id
    }

    static func at(_ seconds: Double) -> Timestamp { Timestamp(milliseconds: Int64(seconds * 1000)) }

    static func load(slots: Int, unfinished: Int = 0, maxImages: Int? = nil, isCluster: Bool = false) -> BackendLoad {
        BackendLoad(
            slots: slots, unfinished: unfinished, maxImages: maxImages, engine: "odm", engineVersion: "3.6.0",
            apiVersion: "2.2.4", isCluster: isCluster)
    }

    static func node(
        _ text: String, slots: Int = 1, busy: Int = 0, tier: Int = 0, weight: Double = 1, maxImages: Int? = nil,
        labels: [String: String] = [:], kind: BackendKind = .nodeodm, options: EngineOptions? = nil,
        _ change: (inout BackendSnapshot) -> Void = { _ in }
    ) -> BackendSnapshot {
        var node = BackendSnapshot(
            name: name(text), kind: kind, tier: tier, weight: weight, labels: labels,
            load: load(slots: slots, unfinished: busy, maxImages: maxImages), options: options)
        node.ownUnfinished = busy
        node.ownWork = Double(busy) * 100
        change(&node)
        return node
    }

    static func task(
        _ number: Int, owner: String = "", images: Int = 100, at seconds: Double = 0, options: Set<String> = [],
        labels: [String: String] = [:], needs: TaskNeeds = [], _ change: (inout QueuedTask) -> Void = { _ in }
    ) -> QueuedTask {
        var task = QueuedTask(
            id: id(number), owner: OwnerID(owner), images: images, size: .mebibytes(500),
            requirements: Requirements(options: options, labels: labels, needs: needs), queuedSince: at(seconds))
        change(&task)
        return task
    }
}

/// A scheduler with all that it keeps between passes.
struct Desk {
    var scheduler = Scheduler(policy: Policy(referenceOptions: Fixture.reference, prefetch: 0))
    var queue = TaskQueue()
    var state = SchedulerState()
    var owners: [OwnerID: OwnerShare] = [:]

    init(_ tasks: [QueuedTask] = []) { for task in tasks { queue.insert(task) } }

    mutating func decide(_ fleet: [BackendSnapshot], at seconds: Double = 0) -> Decision {
        scheduler.decide(queue: &queue, fleet: fleet, owners: owners, state: &state, now: Fixture.at(seconds))
    }

    /// What goes where, as `number→backend`.
    mutating func placed(_ fleet: [BackendSnapshot], at seconds: Double = 0) -> [String] {
        decide(fleet, at: seconds).placements.map { "\($0.task.id.string.dropFirst(5))→\($0.backend)" }
    }
}
