internal import HTTPTypes

/// The dates of S3's protocol.
enum S3Time {
    /// `20130524T000000Z`, as signatures bear it.
    static func stamp(milliseconds: Int64) -> String {
        let seconds = max(0, milliseconds / 1000)
        let date = CivilDate(daysSince1970: Int(seconds / 86_400))
        let time = seconds % 86_400
        return digits(Int64(date.year), 4) + digits(Int64(date.month), 2) + digits(Int64(date.day), 2) + "T"
            + digits(time / 3600, 2)
            + digits(time / 60 % 60, 2) + digits(time % 60, 2) + "Z"
    }

    /// Milliseconds since 1970 of `2009-10-12T17:50:30.000Z`, as listings bear it; nil for another text.
    static func parseISO8601(_ text: String) -> Int64? {
        let numbers = text.split(whereSeparator: { !$0.isASCII || !$0.isNumber }).map { Int64($0) ?? -1 }
        guard text.hasSuffix("Z"), numbers.count == 6 || numbers.count == 7, numbers.allSatisfy({ $0 >= 0 }) else {
            return nil
        }
        let fraction = numbers.count == 7 ? thousandths(text) : 0
        return moment(numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5])
            .map { $0 * 1000 + fraction }
    }

    private static func thousandths(_ text: String) -> Int64 {
        guard let dot = text.lastIndex(of: ".") else { return 0 }
        let digits = text[text.index(after: dot)...].dropLast()
        return Int64((digits + "000").prefix(3)) ?? 0
    }

    /// Milliseconds since 1970 of `Sun, 06 Nov 1994 08:49:37 GMT`, as HTTP's fields bear it; nil for another text.
    static func parseHTTPDate(_ text: String) -> Int64? {
        let words = text.split(separator: " ")
        guard words.count == 6, words[5] == "GMT", let day = Int64(words[1]), let year = Int64(words[3]),
            let month = months.firstIndex(of: String(words[2]))
        else { return nil }
        let time = words[4].split(separator: ":").compactMap { Int64($0) }
        guard time.count == 3 else { return nil }
        return moment(year, Int64(month + 1), day, time[0], time[1], time[2]).map { $0 * 1000 }
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    private static func moment(
        _ year: Int64, _ month: Int64, _ day: Int64, _ hour: Int64, _ minute: Int64, _ second: Int64
    ) -> Int64? {
        guard (1970...9999).contains(year), (1...12).contains(month), (1...31).contains(day), (0...23).contains(hour),
            (0...59).contains(minute), (0...60).contains(second)
        else { return nil }
        let days = CivilDate(year: Int(year), month: Int(month), day: Int(day)).daysSince1970
        return Int64(days) * 86_400 + hour * 3600 + minute * 60 + second
    }

    private static func digits(_ number: Int64, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }
}
