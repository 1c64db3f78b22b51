/// Text for `man`: macros, and lines in which nothing can be taken for one.
struct Roff {
    private(set) var string = ""

    /// A line that begins with a dot.
    mutating func macro(_ name: String, _ words: [String] = []) {
        string += ".\(name)"
        for word in words { string += " \"\(Self.escaped(word).replacing("\"", with: "\\(dq"))\"" }
        string += "\n"
    }

    /// Plain text, a line for each of its own.
    mutating func text(_ text: some StringProtocol) {
        for line in text.split(separator: "\n") {
            let line = Self.escaped(String(line))
            string += line.hasPrefix(".") || line.hasPrefix("'") ? "\\&\(line)\n" : "\(line)\n"
        }
    }

    /// A term and what it means.
    mutating func item(_ term: String, help: String) {
        macro("TP")
        macro("B", [term])
        text(help)
    }

    /// Hyphens stay hyphens, so that what is copied from the page works; what isn't ASCII is named by its number.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\e"
            case "-": result += "\\-"
            case "`": result += "\\(ga"
            case "'": result += "\\(aq"
            case "^": result += "\\(ha"
            case "~": result += "\\(ti"
            case "…": result += "..."
            case _ where scalar.isASCII: result.unicodeScalars.append(scalar)
            default:
                let digits = String(scalar.value, radix: 16, uppercase: true)
                result += "\\[u\(String(repeating: "0", count: max(0, 4 - digits.count)))\(digits)]"
            }
        }
        return result
    }
}
