/// `${NAME}` and `${NAME:-default}` inside a scalar; `$${` stands for `${` itself.
enum EnvironmentReferences {
    /// What is wrong with a text's references.
    struct Failure: Error {
        var message: String
    }

    /// Replaces all references.
    ///
    /// As in a shell, the default is taken where the variable is unset or empty; it holds no reference itself.
    static func replace(in text: String, _ environment: (String) -> String?) throws(Failure) -> String {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return text }
        var result = ""
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[dollar...]
            if rest.hasPrefix("$${") {
                result += "${"
                rest = rest.dropFirst(3)
            } else if rest.hasPrefix("${") {
                rest = rest.dropFirst(2)
                guard let end = rest.firstIndex(of: "}") else {
                    throw Failure(message: "a `${` without its `}`; `$${` stands for `${` itself")
                }
                result += try value(of: rest[..<end], environment)
                rest = rest[rest.index(after: end)...]
            } else {
                result.append("$")
                rest = rest.dropFirst()
            }
        }
        return result + rest
    }

    /// The text that gives this text when its references are replaced.
    static func escape(_ text: String) -> String {
        var result = ""
        var rest = text[...]
        while let start = rest.range(of: "${") {
            result += "\(rest[..<start.lowerBound])$${"
            rest = rest[start.upperBound...]
        }
        return result + rest
    }

    private static func value(of reference: Substring, _ environment: (String) -> String?) throws(Failure) -> String {
        let separator = reference.range(of: ":-")
        let name = String(reference[..<(separator?.lowerBound ?? reference.endIndex)])
        guard isName(name) else {
            throw Failure(
                message: "`\(name.prefix(60))` isn't the name of a variable; write ${NAME} or ${NAME:-default}")
        }
        let value = environment(name)
        guard let separator else {
            guard let value else {
                throw Failure(message: "the environment has no \(name); set it, or write ${\(name):-default}")
            }
            return value
        }
        if let value, !value.isEmpty { return value }
        return String(reference[separator.upperBound...])
    }

    private static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return text.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) || $0 == UInt8(ascii: "_")
        }
    }
}
