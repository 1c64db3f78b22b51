/// Carries something that belongs to one loop into a task of the same loop.
///
/// Invariant of `@unchecked Sendable`: the test makes it, and uses it, on one loop's thread only.
public struct LoopBound<Value>: @unchecked Sendable {
    /// What is carried.
    public let value: Value
    /// Wraps it.
    public init(_ value: Value) { self.value = value }
}
