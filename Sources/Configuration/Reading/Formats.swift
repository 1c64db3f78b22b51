import Model
import Observability
import YAML

extension Format where Value == String {
    /// Any text without control characters, and not empty.
    static var text: Format { text("text") { _ in true } }

    /// Text that has a form.
    static func text(_ expected: String, _ isRight: @escaping (String) -> Bool) -> Format {
        Format(
            expected,
            parse: { text in
                let isClean = text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
                return !text.isEmpty && isClean && isRight(text) ? text : nil
            },
            print: { .text(EnvironmentReferences.escape($0)) })
    }

    /// The path of a file or folder; relative ones are relative to the inventory's folder.
    static var path: Format {
        Format(
            read: { node, reader in
                Format.text("a path", { _ in true }).read(node, reader).map(reader.resolve)
            }, print: Format.text.print)
    }

    /// A name as backends and tokens have it.
    static var name: Format {
        text("a name (letters, digits, `.`, `_`, `-`; at most 63)") { BackendName($0) != nil }
    }

    /// `*`, or the origin of web pages.
    static var origin: Format {
        text("`\"*\"` or an origin such as https://webodm.example.org") { text in
            guard text != "*" else { return true }
            guard let url = HTTPURL(text) else { return false }
            return url.path.isEmpty && url.query == nil && !text.hasSuffix("/")
        }
    }
}

extension Format where Value == Bool {
    static var bool: Format {
        Format(
            read: { node, reader in
                reader.decoder.scalar(node, expected: "true or false") { scalar in
                    guard scalar.isPlain || scalar.isReplaced else { return nil }
                    return ["true": true, "false": false][scalar.text.lowercased()]
                }
            }, print: { value, _ in .plain(value ? "true" : "false") })
    }
}

extension Format where Value == Int {
    static func integer(_ range: ClosedRange<Int>) -> Format {
        let expected =
            range.upperBound == .max
            ? "a whole number of at least \(range.lowerBound)"
            : "a whole number from \(range.lowerBound) to \(range.upperBound)"
        return Format(
            read: { node, reader in
                reader.decoder.scalar(node, expected: expected) { scalar in
                    guard scalar.isPlain || scalar.isReplaced, scalar.text.first != "+" else { return nil }
                    return Int(scalar.text).flatMap { range.contains($0) ? $0 : nil }
                }
            }, print: { value, _ in .plain("\(value)") })
    }
}

extension Format where Value == Double {
    /// A number well above zero, so that it can be divided by and is printed without an exponent.
    static var factor: Format {
        Format(
            read: { node, reader in
                reader.decoder.scalar(node, expected: "a number from 0.001 to 1000000") { scalar in
                    let isDecimal = scalar.text.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2E }
                    guard scalar.isPlain || scalar.isReplaced, isDecimal else { return nil }
                    return Double(scalar.text).flatMap { $0 >= 0.001 && $0 <= 1_000_000 ? $0 : nil }
                }
            }, print: { value, _ in .plain("\(value)") })
    }
}

extension Format where Value == Duration {
    static func duration(atLeast least: Duration = .milliseconds(1)) -> Format {
        let bound = least == .zero ? "" : " of at least \(DurationText.print(least))"
        return Format(
            "a duration such as 500ms, 5s, 10m, 48h or 30d\(bound)",
            parse: { DurationText.parse($0).flatMap { $0 >= least ? $0 : nil } },
            print: { .plain(DurationText.print($0)) })
    }
}

extension Format where Value == ByteCount {
    static func bytes(_ range: ClosedRange<ByteCount>) -> Format {
        let bounds = "from \(ByteCountText.print(range.lowerBound)) to \(ByteCountText.print(range.upperBound))"
        return Format(
            "a size such as 64KiB, 1GiB or 2TiB, \(bounds)",
            parse: { ByteCountText.parse($0).flatMap { range.contains($0) ? $0 : nil } },
            print: { .plain(ByteCountText.print($0)) })
    }

    static func bytes(atLeast least: ByteCount) -> Format { bytes(least...ByteCount(1 << 60)) }
}

extension Format where Value: RawRepresentable<String> & CaseIterable {
    /// One of a few words.
    static var choice: Format { words(Value.allCases.map { ($0.rawValue, $0) }) { $0.rawValue } }
}

extension Format {
    /// One of a few words, with a suggestion for a mistyped one.
    static func words(_ words: [(String, Value)], print: @escaping (Value) -> String) -> Format {
        let names = words.map(\.0)
        let expected = "`\(names.joined(separator: "`, `"))`"
        return Format(
            read: { node, reader in
                guard case .scalar(let scalar) = node.content, !scalar.isNull else {
                    reader.decoder.mismatch(node, expected: expected)
                    return nil
                }
                if scalar.isBroken { return nil }
                if let word = words.first(where: { $0.0 == scalar.text }) { return word.1 }
                let question = scalar.isReplaced ? "" : Suggestion.question(for: scalar.text, among: names)
                reader.decoder.report(
                    "expected \(expected), found \(YAMLDecoder.describe(node))\(question)", at: node.location)
                return nil
            }, print: { value, _ in .plain(print(value)) })
    }
}

extension Format where Value == LogLevel {
    static var level: Format { words(LogLevel.allCases.map { ($0.description, $0) }) { $0.description } }
}

extension Format where Value == ListenAddress {
    static var listenAddress: Format {
        Format(
            "an address and a port such as 0.0.0.0:31100", parse: { ListenAddress($0) },
            print: { .text($0.description) })
    }
}

extension Format where Value == HTTPURL {
    /// - Parameter isBase: whether paths are appended to it, so that it can't have a query.
    /// - Returns: the format.
    static func url(isBase: Bool) -> Format {
        let ending = isBase ? ", without credentials and query" : ", without credentials"
        return Format(
            "a URL such as http://node1.example.org:3000\(ending)",
            parse: { HTTPURL($0).flatMap { isBase && $0.query != nil ? nil : $0 } },
            print: { .text(EnvironmentReferences.escape($0.description)) })
    }

    /// Scheme, host and port alone.
    static var server: Format {
        Format(
            "http(s)://HOST:PORT, without a path",
            parse: { HTTPURL($0).flatMap { $0.path.isEmpty && $0.query == nil ? $0 : nil } },
            print: { .text($0.description) })
    }
}

extension Format where Value == Network {
    static var network: Format {
        Format(
            "a network such as 10.0.0.0/8, with no bits set beyond its prefix", parse: { Network($0) },
            print: { .text($0.description) })
    }
}

extension Format where Value == [UInt8] {
    /// SHA-256 in hexadecimal.
    static var sha256: Format {
        Format(
            "a SHA-256 of 64 hexadecimal digits (of `printf %s TOKEN | sha256sum`)",
            parse: { text in
                let nibbles = text.utf8.compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
                guard nibbles.count == 64, text.utf8.count == 64 else { return nil }
                return stride(from: 0, to: 64, by: 2).map { UInt8(nibbles[$0] << 4 | nibbles[$0 + 1]) }
            },
            print: { bytes in
                .text(bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
            })
    }
}

extension Format where Value == [String: String] {
    /// Labels: names and texts; `true` and `1` are texts too.
    static var labels: Format {
        Format(
            read: { node, reader in
                guard let entries = reader.decoder.mapping(node) else { return nil }
                var labels: [String: String] = [:]
                for entry in entries {
                    let text = reader.decoder.inside(entry.key) {
                        reader.decoder.scalar(entry.value, expected: "text") { $0.text }
                    }
                    if let text { labels[entry.key] = text }
                }
                return labels
            },
            print: { labels, _ in
                .mapping(labels.sorted { $0.key < $1.key }.map { ($0, .text(EnvironmentReferences.escape($1))) })
            })
    }
}

extension Format where Value == YAMLValue {
    /// What Kubernetes reads, passed through as it is.
    static func passed(asList isList: Bool) -> Format {
        Format(
            read: { node, reader in
                let isRight = isList ? reader.decoder.sequence(node) != nil : reader.decoder.mapping(node) != nil
                guard isRight else { return nil }
                return node.isNull ? (isList ? .list([]) : .mapping([])) : value(node)
            }, print: { value, _ in value })
    }

    private static func value(_ node: YAMLNode) -> YAMLValue {
        switch node.content {
        case .sequence(let nodes): .list(nodes.map(value))
        case .mapping(let entries): .mapping(entries.map { ($0.key, value($0.value)) })
        case .scalar(let scalar) where scalar.isNull: .null
        case .scalar(let scalar):
            scalar.isPlain && (["true", "false"].contains(scalar.text) || Double(scalar.text) != nil)
                ? .plain(scalar.text) : .text(EnvironmentReferences.escape(scalar.text))
        }
    }
}
