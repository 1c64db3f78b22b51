internal import Model
internal import Reactor

/// When which task of one backend is read: each has its own moment, and the backend bears only so many calls.
///
/// A heap of moments, so that a tick costs the tasks that are due and not all of them. Where more is due than the backend
/// bears, everybody's turn comes later, the longest due first.
struct ReadingSchedule: Sendable {
    /// From one call to the next: 100 a second in all.
    static let spacing = Duration.milliseconds(10)
    /// Calls without an answer at the same time; more would pile up on a backend that is stuck.
    static let mostAtOnce = 32
    /// A wake-up that came late is made up for, but with no longer a burst than this.
    private static let mostCatchUp = Duration.milliseconds(100)

    private struct Entry {
        let due: MonotonicTime
        let task: TaskID
    }

    private enum Place {
        case waiting(MonotonicTime)
        case beingRead
    }

    /// Smallest first; an entry counts only while its task's place says the same moment.
    private var heap: [Entry] = []
    private var places: [TaskID: Place] = [:]
    private var nextCall: MonotonicTime?
    private var callsUnderWay = 0

    /// The tasks that are known.
    var count: Int { places.count }

    /// A task is to be read at once: it is new, or somebody asks for it again. One that is being read stays so.
    mutating func add(_ task: TaskID, at now: MonotonicTime) {
        switch places[task] {
        case .beingRead: return
        case .waiting(let due) where due <= now: return
        case .waiting, nil: wait(task, until: now)
        }
    }

    /// Takes a task whose time has come, if the backend bears another call; its call is to be begun now.
    mutating func next(at now: MonotonicTime) -> TaskID? {
        guard callsUnderWay < Self.mostAtOnce, nextCall.map({ $0 <= now }) ?? true else { return nil }
        while let first = heap.first, first.due <= now {
            removeFirst()
            guard case .waiting(first.due) = places[first.task] else { continue }
            places[first.task] = .beingRead
            callsUnderWay += 1
            let earliest = MonotonicTime(nanoseconds: now.nanoseconds - Self.mostCatchUp.inNanoseconds)
            nextCall = max(nextCall ?? now, earliest) + Self.spacing
            return first.task
        }
        return nil
    }

    /// A call that `next` began is over; what it said may still be being written.
    mutating func answered() { callsUnderWay = max(0, callsUnderWay - 1) }

    /// A task that `next` gave is to be read again.
    mutating func again(_ task: TaskID, at due: MonotonicTime) {
        guard case .beingRead = places[task] else { return }
        wait(task, until: due)
    }

    /// A task isn't to be read any more.
    mutating func remove(_ task: TaskID) { places[task] = nil }

    /// Nobody waits longer than until then.
    mutating func hurry(to latest: MonotonicTime) {
        for (task, place) in places {
            if case .waiting(let due) = place, due > latest { places[task] = .waiting(latest) }
        }
        rebuild()
    }

    /// When `next` may have something; nil while only an answer or a new task can change that.
    var wakeUp: MonotonicTime? {
        guard callsUnderWay < Self.mostAtOnce, let first = heap.first else { return nil }
        return max(first.due, nextCall ?? first.due)
    }

    private mutating func wait(_ task: TaskID, until due: MonotonicTime) {
        places[task] = .waiting(due)
        // Entries that don't count any more are cleared away before they are the most.
        if heap.count > 2 * places.count + 64 { return rebuild() }
        heap.append(Entry(due: due, task: task))
        var child = heap.count - 1
        while child > 0, heap[child].due < heap[(child - 1) / 2].due {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private mutating func rebuild() {
        heap = places.compactMap { task, place in
            if case .waiting(let due) = place { Entry(due: due, task: task) } else { nil }
        }
        // A sorted array is a heap.
        heap.sort { $0.due < $1.due }
    }

    private mutating func removeFirst() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            var smallest = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < heap.count && heap[child].due < heap[smallest].due {
                smallest = child
            }
            guard smallest != parent else { return }
            heap.swapAt(parent, smallest)
            parent = smallest
        }
    }
}
