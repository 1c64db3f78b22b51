/// Durations as an inventory writes them: `500ms`, `5s`, `10m`, `48h`, `30d`, and `1h30m` with falling units.
enum DurationText {
    private static let units: [(suffix: String, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
    ]
    /// A hundred years: beyond it is a mistake, and sums of two can't overflow.
    private static let most: Int64 = 36_500 * 86_400_000

    static func parse(_ text: String) -> Duration? {
        var rest = Array(text.utf8)[...]
        var total: Int64 = 0
        var unit = units[...]
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            guard let number = Digits.take(from: &rest) else { return nil }
            let suffix = rest.prefix { (0x61...0x7A).contains($0) }
            rest = rest.dropFirst(suffix.count)
            guard let index = unit.firstIndex(where: { suffix.elementsEqual($0.suffix.utf8) }) else { return nil }
            let (product, overflowed) = number.multipliedReportingOverflow(by: units[index].milliseconds)
            guard !overflowed, product <= most - total else { return nil }
            total += product
            unit = units[(index + 1)...]
        }
        return .milliseconds(total)
    }

    /// The shortest spelling: `90m`, not `1h30m`.
    static func print(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        guard milliseconds > 0 else { return "0s" }
        for (suffix, size) in units where milliseconds % size == 0 { return "\(milliseconds / size)\(suffix)" }
        return "\(milliseconds)ms"
    }
}

/// Decimal digits of untrusted text.
enum Digits {
    /// Takes the digits that come next.
    ///
    /// - Returns: nil without a digit, or beyond Int64.
    static func take(from bytes: inout ArraySlice<UInt8>) -> Int64? {
        let digits = bytes.prefix { (0x30...0x39).contains($0) }
        bytes = bytes.dropFirst(digits.count)
        return Int64(String(decoding: digits, as: UTF8.self))
    }
}
