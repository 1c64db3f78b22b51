import Synchronization

/// Many counters in one piece of memory, which any thread reads: no lock, no allocation, and no contention where one thread
/// changes it.
///
/// For what is counted with each request: every loop has a block of its own, and a scrape adds the blocks up.
///
/// Invariant of `@unchecked Sendable`: the memory is allocated by `init` and freed by `deinit`; in between only its atomics
/// change.
public final class CounterBlock: @unchecked Sendable {
    /// How many counters there are.
    public let count: Int
    private let cells: UnsafeMutablePointer<Atomic<UInt64>>

    /// All of them at 0.
    public init(count: Int) {
        self.count = max(1, count)
        cells = .allocate(capacity: self.count)
        for index in 0..<self.count { (cells + index).initialize(to: Atomic(0)) }
    }

    deinit {
        cells.deinitialize(count: count)
        cells.deallocate()
    }

    /// Adds to a counter. By one thread only: two at once may lose a count, though nothing else.
    /// - Parameters:
    ///   - amount: what to add; it wraps around at the end of 64 bits.
    ///   - index: the counter; one that isn't there is a bug of the program and traps.
    /// - Returns: what it was before.
    @discardableResult
    public func add(_ amount: UInt64, at index: Int) -> UInt64 {
        precondition(index >= 0 && index < count, "a block has no counter \(index)")
        // Not one atomic step: without a second writer a load and a store are enough, and cost a tenth.
        let before = cells[index].load(ordering: .relaxed)
        cells[index].store(before &+ amount, ordering: .relaxed)
        return before
    }

    /// Adds to a counter of a block that several threads change.
    /// - Parameters:
    ///   - amount: what to add; it wraps around at the end of 64 bits.
    ///   - index: the counter; one that isn't there is a bug of the program and traps.
    public func addShared(_ amount: UInt64, at index: Int) {
        precondition(index >= 0 && index < count, "a block has no counter \(index)")
        cells[index].wrappingAdd(amount, ordering: .relaxed)
    }

    /// A counter as it is now; for any thread.
    public func value(at index: Int) -> UInt64 {
        precondition(index >= 0 && index < count, "a block has no counter \(index)")
        return cells[index].load(ordering: .relaxed)
    }
}
