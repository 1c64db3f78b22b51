/// One sleeping task: resumed by its timer or by cancellation, whichever comes first.
///
/// Invariant of `@unchecked Sendable`: its variables are touched on the loop's thread only.
final class Sleeper: @unchecked Sendable {
    private let loop: EventLoop
    private var continuation: UnsafeContinuation<Void, Never>?
    private var timer: EventLoop.TimerID?
    private var isOver = false

    init(loop: EventLoop) { self.loop = loop }

    func begin(_ continuation: UnsafeContinuation<Void, Never>, _ duration: Duration) {
        guard loop.isCurrent else {
            loop.execute { self.begin(continuation, duration) }
            return
        }
        guard !isOver else { return continuation.resume() }
        self.continuation = continuation
        timer = loop.schedule(after: duration) { self.end() }
    }

    func end() {
        isOver = true
        if let timer { loop.cancel(timer) }
        timer = nil
        continuation?.resume()
        continuation = nil
    }
}
