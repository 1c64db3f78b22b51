import Observability
import YAML

/// `database`, and `database_file` for a URL with a password.
enum DatabaseField {
    private static let expected = "sqlite:PATH or postgresql://USER@HOST/NAME"

    static func read(_ entries: [YAMLEntry], _ reader: InventoryReader) -> DatabaseURL? {
        let scalar = entries.first { $0.key == "database" && !$0.value.isNull }?.value
        let file = entries.first { $0.key == "database_file" && !$0.value.isNull }
        if let file, scalar != nil {
            reader.decoder.report("`database` and `database_file` exclude each other", at: file.location)
        }
        if let file {
            return reader.decoder.inside("database_file") {
                SecretText.file(file.value, reader).flatMap { url($0, file.value, reader) }
            }
        }
        guard let scalar else { return .sqlite(path: reader.resolve("data/scaleodm.db")) }
        return reader.decoder.inside("database") {
            SecretText.value(scalar, reader, warns: false).flatMap { url($0, scalar, reader) }
        }
    }

    static func print(_ database: DatabaseURL, _ display: SecretDisplay) -> [(key: String, value: YAMLValue)] {
        guard case .postgresql(let url) = database else {
            return [("database", .text(EnvironmentReferences.escape(database.masked)))]
        }
        if case .masked = display, case .file = url.origin { return SecretText.print("database", url, display) }
        if case .masked = display { return [("database", .text(EnvironmentReferences.escape(database.masked)))] }
        return SecretText.print("database", url, display)
    }

    private static func url(_ secret: Secret, _ node: YAMLNode, _ reader: InventoryReader) -> DatabaseURL? {
        let text = secret.reveal()
        if text.hasPrefix("sqlite:") {
            let path = String(text.dropFirst("sqlite:".count))
            if !path.isEmpty, !path.hasPrefix("//"), !path.hasPrefix(":") { return .sqlite(path: reader.resolve(path)) }
        }
        if text.hasPrefix("postgresql://") || text.hasPrefix("postgres://") {
            if case .literal = secret.origin, DatabaseURL.hasPassword(text) {
                reader.decoder.warn(
                    "the password stands in the file itself; write ${NAME}, or name a file by `database_file`",
                    at: node.location)
            }
            return .postgresql(url: secret)
        }
        // Not shown: it may hold a password under another scheme.
        reader.decoder.report("expected \(expected)", at: node.location)
        return nil
    }
}
