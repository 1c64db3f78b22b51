import Model
import Scheduling

/// Nodes that run tasks for fixed times under virtual time, read now and then, as the monitor does.
struct SimulatedFleet {
    struct Running {
        var task: QueuedTask
        var backend: Int
        var end: Int64
    }

    var backends: [BackendSnapshot]
    /// Placements and ends since each backend was last read.
    private var starts: [Int]
    private var ends: [Int]
    private(set) var running: [Running] = []
    private(set) var finished: [(task: QueuedTask, backend: Int, at: Int64)] = []
    /// The most tasks each node ever had at once.
    private(set) var peaks: [Int]

    init(_ backends: [BackendSnapshot]) {
        self.backends = backends
        starts = Array(repeating: 0, count: backends.count)
        ends = starts
        peaks = Array(repeating: 0, count: backends.count)
    }

    /// When the next task ends, in milliseconds.
    var nextEnd: Int64? { running.map(\.end).min() }

    /// What the scheduler sees: old readings, and what happened since.
    func snapshots() -> [BackendSnapshot] {
        backends.indices.map { index in
            var snapshot = backends[index]
            let here = running.filter { $0.backend == index }
            snapshot.ownUnfinished = here.count
            snapshot.ownWork = here.reduce(0) { $0 + Double($1.task.images) }
            snapshot.placementsUnseen = starts[index]
            snapshot.endsUnseen = ends[index]
            return snapshot
        }
    }

    /// A task starts at once where it was placed.
    mutating func start(_ placement: Placement, at now: Int64, for duration: Int64) {
        guard let index = backends.firstIndex(where: { $0.name == placement.backend }) else { return }
        running.append(Running(task: placement.task, backend: index, end: now + duration))
        starts[index] += 1
        peaks[index] = max(peaks[index], running.count { $0.backend == index })
    }

    /// Ends what is due; returns what ended.
    mutating func advance(to now: Int64) -> [QueuedTask] {
        let due = running.filter { $0.end <= now }
        running.removeAll { $0.end <= now }
        for one in due {
            finished.append((one.task, one.backend, one.end))
            ends[one.backend] += 1
        }
        return due.map(\.task)
    }

    /// The monitor reads a backend.
    mutating func read(_ index: Int) {
        backends[index].load?.unfinished = running.count { $0.backend == index }
        starts[index] = 0
        ends[index] = 0
    }
}

/// A generator with a seed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    /// SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
