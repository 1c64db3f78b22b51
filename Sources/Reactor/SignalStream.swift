internal import CShims
import Glibc

/// Signals of the process as a stream of numbers, read from a signalfd on a loop.
public enum SignalStream {
    /// Blocks signals in this thread and those it will start, so that only the stream sees them. Call before any thread starts.
    public static func block(_ signals: [Int32]) {
        var set = mask(signals)
        pthread_sigmask(SIG_BLOCK, &set, nil)
        signal(SIGPIPE, SIG_IGN)
    }

    /// Opens the stream.
    /// - Parameters:
    ///   - signals: already blocked.
    ///   - loop: whose thread calls this.
    /// - Returns: the numbers of the signals as they arrive.
    /// - Throws: `system` when no descriptor can be had.
    public static func open(_ signals: [Int32], on loop: EventLoop) throws(ReactorError) -> AsyncStream<Int32> {
        var set = mask(signals)
        let descriptor = signalfd(-1, &set, Int32(SFD_NONBLOCK | SFD_CLOEXEC))
        guard descriptor >= 0 else { throw ReactorError(errno: errno, during: "signalfd") }
        let (stream, continuation) = AsyncStream.makeStream(of: Int32.self)
        let watcher = FileDescriptorWatcher(descriptor: descriptor, on: loop)
        watcher.watch(.read) { _ in
            _ = watcher  // kept alive by its own callback: the stream lives as long as the process
            var info = signalfd_siginfo()
            while read(descriptor, &info, MemoryLayout.size(ofValue: info)) == MemoryLayout.size(ofValue: info) {
                continuation.yield(Int32(info.ssi_signo))
            }
        }
        return stream
    }

    private static func mask(_ signals: [Int32]) -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals { sigaddset(&set, signal) }
        return set
    }
}
