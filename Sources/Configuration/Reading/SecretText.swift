import Observability
import YAML

/// Secrets as keys: `token`, or `token_file` instead.
enum SecretText {
    static func read(_ key: String, in entries: [YAMLEntry], _ reader: InventoryReader) -> Secret? {
        let stated = entries.filter { ($0.key == key || $0.key == "\(key)_file") && !$0.value.isNull }
        if stated.count > 1, let file = stated.first(where: { $0.key != key }) {
            reader.decoder.report("`\(key)` and `\(key)_file` exclude each other", at: file.location)
        }
        var secret: Secret?
        for entry in stated {
            secret = reader.decoder.inside(entry.key) {
                entry.key == key ? value(entry.value, reader) : file(entry.value, reader)
            }
        }
        return secret
    }

    static func print(_ key: String, _ secret: Secret?, _ display: SecretDisplay) -> [(key: String, value: YAMLValue)] {
        guard let secret else { return [(key, .null)] }
        switch (secret.origin, display) {
        case (.file(let path), _): return [("\(key)_file", .text(EnvironmentReferences.escape(path)))]
        case (.reference(let source), .references), (.reference(let source), .referencesAndLiterals):
            return [(key, .text(source))]
        case (.literal, .referencesAndLiterals): return [(key, .text(EnvironmentReferences.escape(secret.reveal())))]
        case (.reference, .masked), (.literal, .masked), (.literal, .references): return [(key, .text("***"))]
        }
    }

    /// A secret that may stand in the file, by a reference at best.
    static func value(_ node: YAMLNode, _ reader: InventoryReader, warns: Bool = true) -> Secret? {
        guard case .scalar(let scalar) = node.content else {
            reader.decoder.mismatch(node, expected: "text")
            return nil
        }
        guard !scalar.isBroken, !scalar.text.isEmpty else { return nil }
        guard scalar.text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            reader.decoder.report("a secret is one line of text without control characters", at: node.location)
            return nil
        }
        if scalar.isReplaced { return Secret(scalar.text, origin: .reference(scalar.source)) }
        if warns {
            reader.decoder.warn(
                "the secret stands in the file itself; write ${NAME}, or name a file by the key's `_file` twin",
                at: node.location)
        }
        return Secret(scalar.text)
    }

    /// A secret in a file of its own.
    static func file(_ node: YAMLNode, _ reader: InventoryReader) -> Secret? {
        guard let path = Format.path.read(node, reader) else { return nil }
        do throws(SecretError) {
            return try reader.secretFile(path)
        } catch {
            reader.decoder.report(error.message, at: node.location)
            return nil
        }
    }
}
