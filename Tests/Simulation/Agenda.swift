/// What is to happen in a simulated world, by time; at the same moment, in the order in which it was planned.
struct Agenda {
    /// One thing that is to happen, unless it is called off.
    final class Event {
        fileprivate let due: Int64
        fileprivate let number: UInt64
        private var action: (() -> Void)?

        fileprivate init(due: Int64, number: UInt64, _ action: @escaping () -> Void) {
            self.due = due
            self.number = number
            self.action = action
        }

        func callOff() { action = nil }
        func happen() { action?() }
        var isCalledOff: Bool { action == nil }

        fileprivate func isBefore(_ other: Event) -> Bool {
            due == other.due ? number < other.number : due < other.due
        }
    }

    private var heap: [Event] = []
    private var lastNumber: UInt64 = 0

    mutating func plan(at due: Int64, _ action: @escaping () -> Void) -> Event {
        lastNumber += 1
        let event = Event(due: due, number: lastNumber, action)
        heap.append(event)
        var child = heap.count - 1
        while child > 0, heap[child].isBefore(heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
        return event
    }

    /// What happens next, and when.
    mutating func next() -> (event: Event, due: Int64)? {
        while !heap.isEmpty {
            let event = removeFirst()
            if !event.isCalledOff { return (event, event.due) }
        }
        return nil
    }

    private mutating func removeFirst() -> Event {
        heap.swapAt(0, heap.count - 1)
        let first = heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child].isBefore(heap[least])
            {
                least = child
            }
            guard least != parent else { return first }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
