/// A task that waits for something in its world: resumed once, by whatever comes first.
///
/// Invariant of `@unchecked Sendable`: made and used on the thread of its world only.
final class Waiter<Value: Sendable>: @unchecked Sendable {
    private var continuation: UnsafeContinuation<Value, Never>?
    private var value: Value?

    func wait() async -> Value {
        await withUnsafeContinuation { continuation in
            if let value {
                continuation.resume(returning: value)
            } else {
                self.continuation = continuation
            }
        }
    }

    /// What comes second changes nothing.
    func resolve(_ value: Value) {
        guard self.value == nil else { return }
        self.value = value
        continuation?.resume(returning: value)
        continuation = nil
    }
}
