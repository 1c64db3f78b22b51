import Observability
import YAML

/// What formats need to read: where to report, and the world around the file.
final class InventoryReader {
    let decoder: YAMLDecoder
    /// Relative paths are relative to it; empty: the working directory.
    let folder: String
    let environment: (String) -> String?
    /// False where there is no file, and the inventory is made of variables alone.
    var isOfFile = true
    let secretFile: (String) throws(SecretError) -> Secret

    init(
        decoder: YAMLDecoder, folder: String, environment: @escaping (String) -> String?,
        secretFile: @escaping (String) throws(SecretError) -> Secret
    ) {
        self.decoder = decoder
        self.folder = folder
        self.environment = environment
        self.secretFile = secretFile
    }

    /// A path of the file, seen from the working directory.
    func resolve(_ path: String) -> String {
        path.hasPrefix("/") || folder.isEmpty ? path : "\(folder)/\(path)"
    }

    /// Reads what fields describe; a null value counts as absent where a section is wanted.
    /// - Returns: whether every required key was there.
    func read<Root>(
        _ fields: [Field<Root>], of entries: [YAMLEntry], at location: SourceLocation, into root: inout Root
    ) -> Bool {
        var isComplete = true
        for field in fields where !field.read(&root, entries, location, self) { isComplete = false }
        return isComplete
    }

    /// The tree with its references replaced; each failure is reported once, here.
    func replaceReferences(in node: YAMLNode) -> YAMLNode {
        node.mapScalars { scalar, location in
            do throws(EnvironmentReferences.Failure) {
                return scalar.replaced(by: try EnvironmentReferences.replace(in: scalar.text, environment))
            } catch {
                decoder.report(error.message, at: location)
                return scalar.broken
            }
        }
    }
}
