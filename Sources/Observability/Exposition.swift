/// The words of Prometheus' text format 0.0.4.
enum Exposition {
    /// A label's value: backslash, quote and newline escaped.
    static func escape(label value: String) -> String { escape(value, quotes: true) }

    /// A help text: backslash and newline escaped.
    static func escape(help text: String) -> String { escape(text, quotes: false) }

    /// A valid name: every other character than `[a-zA-Z0-9_:]` becomes `_`, and a first digit gets one before it.
    static func name(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            let isDigit = ("0"..."9").contains(scalar)
            let isPlain = isDigit || ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || scalar == ":"
            if result.isEmpty, isDigit { result += "_" }
            result.unicodeScalars.append(isPlain ? scalar : "_")
        }
        return result.isEmpty ? "_" : result
    }

    /// A number; whole ones without `.0`.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value), whole.magnitude < 1 << 53 { return "\(whole)" }
        return value.description
    }

    /// The bound of a bucket; OpenMetrics wants `1.0` where Prometheus writes `1`.
    static func bound(_ value: Double, _ format: MetricsFormat) -> String {
        format == .openMetrics && value.isFinite ? value.description : number(value)
    }

    private static func escape(_ text: String, quotes: Bool) -> String {
        // Names of backends, states and the like hold nothing of it.
        guard text.utf8.contains(where: { $0 == 0x5C || $0 == 0x0A || $0 == 0x22 }) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
