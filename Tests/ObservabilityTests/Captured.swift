import Observability
import Synchronization

/// What a sink wrote.
final class Captured: Sendable {
    private let writes = Mutex<[String]>([])

    func sink(_ format: LogFormat, at milliseconds: Int64 = 1_769_903_999_123) -> LogSink {
        LogSink(format: format, now: { milliseconds }) { bytes in
            let text = String(decoding: bytes, as: UTF8.self)
            self.append(text)
        }
    }

    func append(_ text: String) { writes.withLock { $0.append(text) } }

    var text: String { writes.withLock { $0.joined() } }
    var writeCount: Int { writes.withLock { $0.count } }
}
