import Backends
import Model
import NodeODM

/// What all kinds of simulated backends have: a process that can be frozen or end, and a way there that can be cut.
///
/// Invariant of `@unchecked Sendable`: used on the thread of its world only.
class SimulatedServer: @unchecked Sendable {
    let name: String
    let slots: Int
    unowned let world: World
    private(set) var isDown = false
    private(set) var isFrozen = false
    var isCut = false
    private var waiting: [(work: () -> Void, lost: () -> Void)] = []

    init(_ name: String, slots: Int, _ world: World) {
        self.name = name
        self.slots = slots
        self.world = world
    }

    var kind: BackendKind { .nodeodm }
    var unfinished: Int { 0 }
    var openAreas: [String] { [] }
    var unwanted: [(name: String, task: TaskID, isOver: Bool)] { [] }

    func open(_ name: String, for task: TaskID) -> BackendError.Code? { .refused }
    func upload(_ images: Int, to name: String) -> BackendError.Code? { .refused }
    func commit(_ attempt: Attempt) -> BackendError.Code? { .refused }
    func discard(_ attempt: Attempt) -> Answer<DiscardOutcome> { .failure(.refused) }
    func status(of name: String, from line: Int?) -> Answer<TaskInfo> { .failure(.refused) }
    func cancel(_ name: String) -> BackendError.Code? { .refused }
    func remove(_ name: String) -> BackendError.Code? { .refused }
    func restart(_ name: String) -> BackendError.Code? { .refused }

    /// Something arrives: done now, or when a frozen process goes on, or never where that has ended.
    func receive(_ work: @escaping () -> Void, lost: @escaping () -> Void) {
        if isDown { return lost() }
        if isFrozen { waiting.append((work, lost)) } else { work() }
    }

    func freeze() { if !isDown { isFrozen = true } }

    func thaw() {
        isFrozen = false
        let waiting = waiting
        self.waiting = []
        for item in waiting { item.work() }
    }

    func crash() {
        isDown = true
        isFrozen = false
        let waiting = waiting
        self.waiting = []
        for item in waiting { item.lost() }
    }

    func start() { isDown = false }
}
