/// Times as JSON bears them: `2026-11-24T08:00:00.123456789Z` (RFC 3339).
public enum RFC3339 {
    /// Nanoseconds since 1970; nil where it is no such time, or none of the years 1970 to 2200.
    @inlinable
    public static func nanoseconds(_ text: some StringProtocol) -> Int64? { nanoseconds(utf8: Array(text.utf8)) }

    /// The same of a text's bytes.
    public static func nanoseconds(utf8 bytes: [UInt8]) -> Int64? {
        guard bytes.count >= 20, bytes[4] == 0x2D, bytes[7] == 0x2D, bytes[10] | 0x20 == 0x74 else { return nil }
        guard bytes[13] == 0x3A, bytes[16] == 0x3A, let year = number(bytes[0..<4]), let month = number(bytes[5..<7]),
            let day = number(bytes[8..<10]), let hour = number(bytes[11..<13]), let minute = number(bytes[14..<16]),
            let second = number(bytes[17..<19]), (1970...2200).contains(year), (1...12).contains(month),
            (1...31).contains(day), hour < 24, minute < 60, second <= 60
        else { return nil }
        var index = 19
        var fraction: Int64 = 0
        if bytes[index] == 0x2E {
            index += 1
            var scale: Int64 = 100_000_000
            while index < bytes.count, (0x30...0x39).contains(bytes[index]) {
                fraction += Int64(bytes[index] - 0x30) * scale
                scale /= 10
                index += 1
            }
        }
        guard let offset = offset(bytes[index...]) else { return nil }
        let days = CivilDate(year: Int(year), month: Int(month), day: Int(day)).daysSince1970
        let seconds = Int64(days) * 86_400 + hour * 3600 + minute * 60 + second - offset
        return seconds * 1_000_000_000 + fraction
    }

    /// `2026-11-24T08:00:00Z`: the second that a moment lies in.
    /// - Parameter seconds: since 1970; before that it is shown as 1970.
    /// - Returns: 20 characters.
    public static func text(seconds: Int64) -> String { whole(seconds: seconds) + "Z" }

    /// `2026-11-24T08:00:00.000Z`, as JavaScript writes a date.
    /// - Parameter milliseconds: since 1970; before that it is shown as 1970.
    /// - Returns: 24 characters.
    public static func text(milliseconds: Int64) -> String {
        let moment = max(0, milliseconds)
        return whole(seconds: moment / 1000) + ".\(padded(Int(moment % 1000), 3))Z"
    }

    private static func whole(seconds: Int64) -> String {
        // Up to the end of 9999: from then on a year has five digits.
        let moment = Int(min(max(0, seconds), 253_402_300_799))
        let (date, rest) = (CivilDate(daysSince1970: moment / 86_400), moment % 86_400)
        return "\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2))"
            + "T\(padded(rest / 3600, 2)):\(padded(rest / 60 % 60, 2)):\(padded(rest % 60, 2))"
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int64? {
        guard digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return digits.reduce(0) { $0 * 10 + Int64($1 - 0x30) }
    }

    private static func offset(_ bytes: ArraySlice<UInt8>) -> Int64? {
        let text = Array(bytes)
        if text.count == 1, text[0] | 0x20 == 0x7A { return 0 }
        guard text.count == 6, text[3] == 0x3A, text[0] == 0x2B || text[0] == 0x2D, let hours = number(text[1..<3]),
            let minutes = number(text[4..<6])
        else { return nil }
        return (hours * 3600 + minutes * 60) * (text[0] == 0x2D ? -1 : 1)
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}
