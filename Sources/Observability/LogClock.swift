import Glibc

/// Writes moments as `2026-01-31T23:59:59.123Z`; the part up to the second is kept, since lines come in bursts.
struct LogClock {
    private var second: Int64 = .min
    private var prefix = LogLine()

    /// Milliseconds since 1970, by the system's clock.
    static func systemMilliseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// Appends one moment.
    /// - Parameters:
    ///   - milliseconds: since 1970; before that it is shown as 1970.
    ///   - line: gets it.
    mutating func append(_ milliseconds: Int64, to line: inout LogLine) {
        let moment = max(0, milliseconds)
        if moment / 1000 != second {
            second = moment / 1000
            prefix.bytes.removeAll(keepingCapacity: true)
            Self.appendDate(second, to: &prefix)
        }
        line.append(raw: prefix.bytes)
        line.appendDigits(UInt64(moment % 1000), atLeast: 3)
        line.append("Z")
    }

    /// HTTPTypes' `CivilDate` once more, since this target stands on no other.
    ///
    /// Days to a civil date by shifting the year to start in March (leap day last), eras of 400 years.
    private static func appendDate(_ second: Int64, to line: inout LogLine) {
        let days = second / 86_400 + 719_468
        let era = days / 146_097
        let dayOfEra = days - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let clock = second % 86_400
        let parts: [(Int64, Int, StaticString)] = [
            (year, 4, "-"), (month, 2, "-"), (dayOfYear - (153 * shifted + 2) / 5 + 1, 2, "T"),
            (clock / 3600, 2, ":"), (clock / 60 % 60, 2, ":"), (clock % 60, 2, "."),
        ]
        for (number, width, separator) in parts {
            line.appendDigits(UInt64(number), atLeast: width)
            line.append(separator)
        }
    }
}
