/// Coarse deadlines of many sockets: a hashed wheel of 100 ms ticks.
///
/// A socket whose deadline moves ahead with each request stays where it is: its slot is looked at once per period, and only
/// then is it slotted again. So a keep-alive connection costs nothing a request.
struct DeadlineWheel {
    private static let slotCount: Int64 = 1024
    private static let nanosecondsPerTick: Int64 = 100_000_000

    private var slots: [[EventLoop.Registration]] = Array(repeating: [], count: Int(slotCount))
    private var lastTick: Int64
    private var count = 0
    /// No slot before this tick holds an entry.
    private var earliestTick = Int64.max

    init(now: MonotonicTime) { lastTick = now.nanoseconds / Self.nanosecondsPerTick }

    /// The tick at whose end a deadline has surely passed.
    static func tick(of deadline: MonotonicTime) -> Int64 { deadline.nanoseconds / nanosecondsPerTick + 1 }

    /// The moment at which the wheel wants to be advanced next.
    var earliest: MonotonicTime? {
        count == 0 ? nil : MonotonicTime(nanoseconds: earliestTick * Self.nanosecondsPerTick)
    }

    /// Adds an entry.
    /// - Returns: the tick it was put at: the given one, or the wheel's horizon when that is nearer.
    mutating func insert(_ entry: EventLoop.Registration, at tick: Int64) -> Int64 {
        let placed = min(max(tick, lastTick + 1), lastTick + Self.slotCount - 1)
        slots[Int(placed % Self.slotCount)].append(entry)
        count += 1
        earliestTick = min(earliestTick, placed)
        return placed
    }

    /// Takes out what has come due.
    mutating func advance(to now: MonotonicTime) -> [EventLoop.Registration] {
        let tick = now.nanoseconds / Self.nanosecondsPerTick
        guard count > 0, tick >= earliestTick else {
            lastTick = max(lastTick, tick)
            return []
        }
        var due: [EventLoop.Registration] = []
        for passed in max(earliestTick, lastTick + 1)...max(tick, lastTick + 1) {
            guard passed <= tick, passed < earliestTick + Self.slotCount else { break }
            let slot = Int(passed % Self.slotCount)
            due.append(contentsOf: slots[slot])
            slots[slot].removeAll(keepingCapacity: true)
        }
        count -= due.count
        lastTick = tick
        earliestTick = nextOccupied(after: tick)
        return due
    }

    private func nextOccupied(after tick: Int64) -> Int64 {
        guard count > 0 else { return .max }
        let next = (1..<Self.slotCount).first { !slots[Int((tick + $0) % Self.slotCount)].isEmpty }
        return next.map { tick + $0 } ?? .max
    }
}
