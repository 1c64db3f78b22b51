/// How far one container's console was read: the last time, and how many lines with that time were taken. Enough to go on after
/// a broken stream without taking a line twice, though many lines bear the same time.
public struct LogCursor: Sendable, Equatable {
    /// Nanoseconds since 1970 of the last line that was taken.
    public private(set) var last: Int64 = .min
    /// Lines with that time that were taken.
    public private(set) var count = 0
    /// Until a new line came, what a reconnected stream repeats is passed over.
    private var isResuming = false
    private var repeated = 0

    /// The start of a console.
    public init() {}

    /// From where to ask, in whole seconds since 1970; nil: from the start.
    public var since: Int64? { last == .min ? nil : last / 1_000_000_000 }

    /// What a line is.
    enum Verdict: Equatable {
        /// New.
        case take
        /// Taken before.
        case drop
        /// New, and what came before it was lost.
        case takeAfterGap
    }

    /// A stream begins, with what `since` asked for.
    mutating func resume() {
        isResuming = last != .min
        repeated = 0
    }

    /// Judges the next line of the stream.
    mutating func judge(_ time: Int64) -> Verdict {
        guard isResuming else {
            advance(to: time)
            return .take
        }
        if time < last { return .drop }
        if time == last {
            repeated += 1
            if repeated <= count { return .drop }
            isResuming = false
            count += 1
            return .take
        }
        isResuming = false
        // Kubelets keep only the newest files of a long console: the line that we know should have come again.
        let isGap = repeated < count
        advance(to: time)
        return isGap ? .takeAfterGap : .take
    }

    private mutating func advance(to time: Int64) {
        if time > last {
            last = time
            count = 1
        } else if time == last {
            count += 1
        }
        // A clock that was put back: the later time stays, so that what follows it isn't taken twice.
    }
}
