public import Reactor

/// What all exchanges of one loop share: the buffer and the pipes. One a loop, used on its thread only.
public final class RelayResources {
    /// The loop it belongs to.
    public let loop: EventLoop
    let scratch = Scratch()
    private var pipes: [Pipe] = []

    /// Empty pipes kept for the next body; more are closed.
    private static let pipesKept = 16

    /// Resources for a loop; made and used on its thread.
    public init(loop: EventLoop) { self.loop = loop }

    deinit { for pipe in pipes { pipe.close() } }

    /// An empty pipe; nil when there are no descriptors left, and the body must be copied.
    func takePipe() -> Pipe? { pipes.popLast() ?? Pipe() }

    /// Takes a pipe back. One that isn't empty is closed: bytes of a broken exchange must not turn up in another.
    func giveBack(_ pipe: Pipe, isEmpty: Bool) {
        guard isEmpty, pipes.count < Self.pipesKept else { return pipe.close() }
        pipes.append(pipe)
    }
}
