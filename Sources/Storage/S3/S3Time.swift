/// The dates of S3's protocol.
enum S3Time {
    /// `20130524T000000Z`, as signatures bear it.
    static func stamp(milliseconds: Int64) -> String {
        let seconds = max(0, milliseconds / 1000)
        let (year, month, day) = civil(seconds / 86_400)
        let time = seconds % 86_400
        return digits(year, 4) + digits(month, 2) + digits(day, 2) + "T" + digits(time / 3600, 2)
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
        return days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second
    }

    /// Days since 1970 of a date, in years that begin in March and eras of 400 of them.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let marchYear = month <= 2 ? year - 1 : year
        let era = marchYear / 400
        let yearOfEra = marchYear % 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func civil(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    private static func digits(_ number: Int64, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }
}
