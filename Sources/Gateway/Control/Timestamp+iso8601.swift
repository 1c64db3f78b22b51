import Glibc
internal import Model

extension Timestamp {
    /// `2026-11-24T08:00:00.000Z`, as JavaScript writes a date.
    var iso8601: String {
        var seconds = time_t(milliseconds / 1000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let date = [
            Self.padded(Int(parts.tm_year) + 1900, 4), Self.padded(Int(parts.tm_mon) + 1, 2),
            Self.padded(Int(parts.tm_mday), 2),
        ]
        let time = [
            Self.padded(Int(parts.tm_hour), 2), Self.padded(Int(parts.tm_min), 2), Self.padded(Int(parts.tm_sec), 2),
        ]
        let fraction = Self.padded(Int(milliseconds % 1000), 3)
        return "\(date.joined(separator: "-"))T\(time.joined(separator: ":")).\(fraction)Z"
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
