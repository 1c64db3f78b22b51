/// Quantities of bytes as Kubernetes writes them: `64Gi`, `500M`, `1024`.
enum KubernetesQuantity {
    private static let units: [(String, Int64)] = [
        ("Ki", 1 << 10), ("Mi", 1 << 20), ("Gi", 1 << 30), ("Ti", 1 << 40), ("k", 1000), ("M", 1_000_000),
        ("G", 1_000_000_000), ("T", 1_000_000_000_000), ("", 1),
    ]

    /// The bytes; nil where it is no whole quantity that fits.
    static func bytes(_ text: String) -> Int64? {
        for (unit, factor) in units where text.hasSuffix(unit) {
            guard let number = Int64(text.dropLast(unit.count)), number >= 0 else { return nil }
            let product = number.multipliedReportingOverflow(by: factor)
            return product.overflow ? nil : product.partialValue
        }
        return nil
    }

    /// In the largest unit that leaves no rest.
    static func text(_ bytes: Int64) -> String {
        for (unit, factor) in units.prefix(4).reversed() where bytes % factor == 0 && bytes > 0 {
            return "\(bytes / factor)\(unit)"
        }
        return String(bytes)
    }
}
