import Model

/// Sizes as an inventory writes them: `512B`, `64KiB`, `48MiB`, `1GiB`, `2TiB`.
enum ByteCountText {
    private static let units: [(suffix: String, shift: Int64)] = [
        ("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10), ("B", 0),
    ]

    static func parse(_ text: String) -> ByteCount? {
        var rest = Array(text.utf8)[...]
        guard let number = Digits.take(from: &rest) else { return nil }
        guard let unit = units.first(where: { rest.elementsEqual($0.suffix.utf8) }) else { return nil }
        let (bytes, overflowed) = number.multipliedReportingOverflow(by: 1 << unit.shift)
        return overflowed ? nil : ByteCount(bytes)
    }

    static func print(_ count: ByteCount) -> String {
        for (suffix, shift) in units where count.bytes > 0 && count.bytes % (1 << shift) == 0 {
            return "\(count.bytes >> shift)\(suffix)"
        }
        return "\(count.bytes)B"
    }
}
