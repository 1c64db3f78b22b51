internal import Reactor

/// Bytes a second over the last five seconds: follows a change of the line, and doesn't jump about.
struct RateMeter: Sendable {
    private var samples: [(at: MonotonicTime, done: Int64)] = []
    private static let window = Duration.seconds(5)

    /// Notes how far it is.
    mutating func note(_ done: Int64, at now: MonotonicTime) {
        if let last = samples.last, done < last.done { samples.removeAll() }
        samples.append((now, done))
        // One sample from before the window stays, so that the window is always spanned.
        while samples.count > 2, now - samples[1].at >= Self.window { samples.removeFirst() }
    }

    /// Nil until there is something to compare.
    var bytesPerSecond: Double? {
        guard let first = samples.first, let last = samples.last else { return nil }
        let nanoseconds = (last.at - first.at).inNanoseconds
        guard nanoseconds >= 200_000_000 else { return nil }
        return Double(last.done - first.done) / Double(nanoseconds) * 1e9
    }
}
