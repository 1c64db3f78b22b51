/// Timers by time: a binary heap whose removed entries are skipped when they come up.
struct TimerHeap {
    private struct Entry {
        let time: MonotonicTime
        let id: EventLoop.TimerID
    }

    private var heap: [Entry] = []
    private var actions: [EventLoop.TimerID: () -> Void] = [:]
    private var lastNumber: UInt64 = 0

    /// The moment of the next timer.
    var earliest: MonotonicTime? { heap.first?.time }

    mutating func insert(at time: MonotonicTime, _ action: @escaping () -> Void) -> EventLoop.TimerID {
        lastNumber += 1
        let id = EventLoop.TimerID(number: lastNumber)
        actions[id] = action
        heap.append(Entry(time: time, id: id))
        siftUp(from: heap.count - 1)
        return id
    }

    mutating func remove(_ id: EventLoop.TimerID) {
        actions[id] = nil
        while let first = heap.first, actions[first.id] == nil { removeFirst() }
    }

    /// The action of a timer whose time has come; nil when none is left.
    mutating func popDue(_ now: MonotonicTime) -> (() -> Void)? {
        while let first = heap.first, first.time <= now {
            removeFirst()
            if let action = actions.removeValue(forKey: first.id) { return action }
        }
        return nil
    }

    private mutating func removeFirst() {
        guard let last = heap.popLast(), !heap.isEmpty else { return }
        heap[0] = last
        siftDown()
    }

    private mutating func siftUp(from start: Int) {
        var child = start
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].time < heap[parent].time else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func siftDown() {
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if heap[child].time < heap[least].time { least = child }
            }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
