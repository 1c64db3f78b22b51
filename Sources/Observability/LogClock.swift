import Glibc

/// Tells moments as `2026-01-31T23:59:59.123Z`; the part up to the second is kept, since lines come in bursts.
struct LogClock {
    /// A moment's 24 characters.
    typealias Moment = InlineArray<24, UInt8>

    private var second: Int64 = .min
    private var text = Moment(repeating: 0)

    /// 9999-12-31, the last day with four digits.
    private static let last: Int64 = 253_402_300_799_999

    /// Milliseconds since 1970, by the system's clock.
    static func systemMilliseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// The characters of a moment.
    /// - Parameter milliseconds: since 1970; before that it is shown as 1970.
    /// - Returns: as above.
    mutating func moment(_ milliseconds: Int64) -> Moment {
        let moment = min(max(0, milliseconds), Self.last)
        if moment / 1000 != second {
            second = moment / 1000
            writeDate()
        }
        put(moment % 1000, width: 3, at: 20)
        return text
    }

    /// HTTPTypes' `CivilDate` once more, since this target stands on no other.
    ///
    /// Days to a civil date by shifting the year to start in March (leap day last), eras of 400 years.
    private mutating func writeDate() {
        let days = second / 86_400 + 719_468
        let era = days / 146_097
        let dayOfEra = days - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let clock = second % 86_400
        put("0000-00-00T00:00:00.000Z")
        put(year, width: 4, at: 0)
        put(month, width: 2, at: 5)
        put(dayOfYear - (153 * shifted + 2) / 5 + 1, width: 2, at: 8)
        put(clock / 3600, width: 2, at: 11)
        put(clock / 60 % 60, width: 2, at: 14)
        put(clock % 60, width: 2, at: 17)
    }

    private mutating func put(_ pattern: StaticString) {
        for index in text.indices { text[index] = pattern.utf8Start[index] }
    }

    private mutating func put(_ number: Int64, width: Int, at start: Int) {
        var rest = number
        for index in stride(from: start + width - 1, through: start, by: -1) {
            text[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
    }
}
