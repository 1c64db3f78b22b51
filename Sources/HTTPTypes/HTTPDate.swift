/// The date format of HTTP: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7).
public enum HTTPDate {
    private static let days: StaticString = "ThuFriSatSunMonTueWed"
    private static let months: StaticString = "JanFebMarAprMayJunJulAugSepOctNovDec"

    /// Appends the 29 bytes of the date of that many seconds since 1970, without allocating.
    public static func append(unixSeconds: Int64, to output: inout [UInt8]) {
        let seconds = min(max(0, unixSeconds), 253_402_300_799)
        let (day, time) = (Int(seconds / 86400), Int(seconds % 86400))
        let date = CivilDate(daysSince1970: day)
        appendWord(days, day % 7, to: &output)
        output.append(ASCII.comma)
        output.append(ASCII.space)
        appendTwo(date.day, ASCII.space, to: &output)
        appendWord(months, date.month - 1, to: &output)
        output.append(ASCII.space)
        output.appendDecimal(Int64(date.year))
        output.append(ASCII.space)
        appendTwo(time / 3600, ASCII.colon, to: &output)
        appendTwo(time / 60 % 60, ASCII.colon, to: &output)
        appendTwo(time % 60, ASCII.space, to: &output)
        appendWord("GMT", 0, to: &output)
    }

    /// The date as a text.
    public static func format(unixSeconds: Int64) -> String {
        var bytes: [UInt8] = []
        append(unixSeconds: unixSeconds, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func appendWord(_ words: StaticString, _ index: Int, to output: inout [UInt8]) {
        for offset in 0..<3 { output.append(words.utf8Start[index * 3 + offset]) }
    }

    private static func appendTwo(_ number: Int, _ end: UInt8, to output: inout [UInt8]) {
        output.append(ASCII.zero + UInt8(truncatingIfNeeded: number / 10))
        output.append(ASCII.zero + UInt8(truncatingIfNeeded: number % 10))
        output.append(end)
    }
}
