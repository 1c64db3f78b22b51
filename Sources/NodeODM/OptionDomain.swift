/// The values an option may have, in NodeODM's own notation (contract, section 6).
public enum OptionDomain: Sendable, Hashable {
    /// One of these; for type `enum`.
    case choices([String])
    /// A rule such as `positive integer` or `float: 0 <= x <= 1`; empty: anything.
    case rule(String)

    /// Why a value, converted to the option's type already, is refused; nil where it is allowed.
    func reasonToRefuse(_ value: OptionValue) -> String? {
        switch self {
        case .choices(let choices):
            guard case .string(let text) = value, choices.contains(text) else {
                return "Invalid value \(value.text.clipped) (not in enum)"
            }
            return nil
        case .rule(let rule):
            guard let check = DomainRule(rule) else { return "Domain value cannot be handled: '\(rule.clipped)'" }
            return check.allows(value) ? nil : "Invalid value \(value.text.clipped) (out of range)"
        }
    }
}

/// A parsed rule.
private enum DomainRule {
    case anything, whole, finite, json
    case between(ClosedRange<Double>)
    case comparison(String, Double)

    init?(_ rule: String) {
        switch rule {
        case "", "string", "path", "bool": self = .anything
        case "integer": self = .whole
        case "float": self = .finite
        case "json": self = .json
        case "percent": self = .between(0...100)
        case "positive integer", "positive float": self = .comparison(">=", 0)
        case "negative integer", "negative float": self = .comparison("<=", 0)
        default:
            guard let parsed = Self.range(rule) ?? Self.comparison(rule) else { return nil }
            self = parsed
        }
    }

    /// `integer: 1 <= x <= 14`.
    private static func range(_ rule: String) -> DomainRule? {
        let words = rule.split(separator: " ")
        guard words.count == 6, words[0] == "integer:" || words[0] == "float:" else { return nil }
        guard words[2] == "<=", words[3] == "x", words[4] == "<=" else { return nil }
        guard let low = Double(words[1]), let high = Double(words[5]), low <= high else { return nil }
        return .between(low...high)
    }

    /// `float > 0.0`.
    private static func comparison(_ rule: String) -> DomainRule? {
        let words = rule.split(separator: " ")
        guard words.count == 3, words[0] == "integer" || words[0] == "float" else { return nil }
        guard [">", ">=", "<", "<="].contains(words[1]), let bound = Double(words[2]) else { return nil }
        return .comparison(String(words[1]), bound)
    }

    func allows(_ value: OptionValue) -> Bool {
        switch self {
        case .anything: return true
        case .json: return (try? JSONValue(parsing: value.text)) != nil
        case .whole: return value.number.map { $0.rounded() == $0 } ?? false
        case .finite: return value.number?.isFinite ?? false
        case .between(let range): return value.number.map(range.contains) ?? false
        case .comparison(let sign, let bound):
            guard let number = value.number else { return false }
            switch sign {
            case ">": return number > bound
            case ">=": return number >= bound
            case "<": return number < bound
            default: return number <= bound
            }
        }
    }
}

extension OptionValue {
    fileprivate var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .double(let value): value
        case .bool, .string: nil
        }
    }
}

extension String {
    /// Short enough for an error's text.
    var clipped: String { utf8.count <= 200 ? self : String(prefix(60)) + "…" }
}
