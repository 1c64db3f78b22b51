import Glibc
public import Observability
import YAML

/// Reads an inventory: a file, `${ENV}`, defaults, and all that is wrong at once.
public struct InventoryLoader: Sendable {
    private let environment: @Sendable (String) -> String?
    private let secretFile: @Sendable (String) throws(SecretError) -> Secret

    /// A loader for the world around it.
    /// - Parameters:
    ///   - environment: the value of a variable; as a rule the process's.
    ///   - secretFile: reads the file of a `…_file` key.
    public init(
        environment: @escaping @Sendable (String) -> String? = InventoryLoader.processEnvironment,
        secretFile: @escaping @Sendable (String) throws(SecretError) -> Secret = { path throws(SecretError) in
            try Secret(file: path)
        }
    ) {
        self.environment = environment
        self.secretFile = secretFile
    }

    /// A variable of this process.
    @Sendable
    public static func processEnvironment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    /// Reads a file.
    /// - Parameter path: also shown in messages; relative paths in the file are relative to its folder.
    /// - Returns: the inventory and its warnings.
    /// - Throws: InventoryError with every problem.
    public func load(path: String) throws(InventoryError) -> LoadedInventory {
        try load(text: try InventoryFile.read(path), path: path)
    }

    /// Reads a file, or without one the variables of ScaleODM.
    /// - Parameter file: nil without one.
    /// - Returns: the inventory and its warnings.
    /// - Throws: InventoryError with every problem.
    public func load(file: String?) throws(InventoryError) -> LoadedInventory {
        if let file { try load(path: file) } else { try loadFromEnvironment() }
    }

    /// Reads the text of a file.
    /// - Parameters:
    ///   - text: YAML.
    ///   - path: where it stands, for messages and relative paths.
    /// - Returns: the inventory and its warnings.
    /// - Throws: InventoryError with every problem.
    public func load(text: String, path: String) throws(InventoryError) -> LoadedInventory {
        let (root, problems) = YAMLParser.parse(text)
        let reader = reader(problems: problems, path: path)
        let inventory = read(root, reader)
        try refuse(reader.decoder.problems, path: path)
        let warnings = Self.located(reader.decoder.warnings, path: path) + legacyWarnings(text: text, path: path)
        return LoadedInventory(inventory: inventory, warnings: warnings)
    }

    private func read(_ root: YAMLNode?, _ reader: InventoryReader) -> Inventory {
        var inventory = Inventory()
        if let root {
            let node = reader.replaceReferences(in: root)
            if let entries = reader.decoder.mapping(node, expected: "the keys of an inventory") {
                reader.decoder.refuseUnknownKeys(in: entries, known: Inventory.fields.flatMap(\.keys))
                _ = reader.read(Inventory.fields, of: entries, at: node.location, into: &inventory)
                InventoryRules(root: node, reader: reader).apply(to: &inventory)
                for problem in NotSupportedYet.problems(in: node) {
                    reader.decoder.report(problem.message, at: problem.location, code: problem.code)
                }
            }
        }
        return inventory
    }

    /// Reads one backend as `BackendDefinition.printed` wrote it.
    /// - Parameters:
    ///   - text: YAML.
    ///   - path: the file that it once stood in, for messages.
    /// - Returns: the definition, with references replaced anew.
    /// - Throws: InventoryError with every problem.
    public func loadBackend(text: String, path: String) throws(InventoryError) -> BackendDefinition {
        let (root, problems) = YAMLParser.parse(text)
        // Its paths were resolved when it was printed.
        let reader = reader(problems: problems, path: "")
        let definition = root.flatMap { Format.backend.read(reader.replaceReferences(in: $0), reader) }
        try refuse(reader.decoder.problems, path: path)
        guard let definition else {
            throw InventoryError(
                code: .invalid,
                problems: [InventoryProblem(file: path, location: nil, message: "the definition of a backend is empty")]
            )
        }
        return definition
    }

    /// Makes an inventory without a file, of the variables that ScaleODM is configured by: one Argo backend in the cluster that the
    /// gateway runs in.
    /// - Returns: the inventory and its warnings.
    /// - Throws: InventoryError with every problem, each by the name of its variable.
    public func loadFromEnvironment() throws(InventoryError) -> LoadedInventory {
        let said = EnvironmentInventory(environment)
        let (root, problems) = YAMLParser.parse(said.text)
        let reader = InventoryReader(
            decoder: YAMLDecoder(problems: problems), folder: "", environment: said.variables, secretFile: secretFile)
        reader.isOfFile = false
        let inventory = read(root, reader)
        let missing = said.problems
        // What isn't set at all was told in better words.
        let wrong = reader.decoder.problems.map(said.located).filter { problem in
            !missing.contains { $0.message.hasPrefix(problem.message.prefix { $0 != ":" }) }
        }
        guard missing.isEmpty, wrong.isEmpty else { throw InventoryError(code: .invalid, problems: missing + wrong) }
        return LoadedInventory(
            inventory: inventory, warnings: said.warnings + reader.decoder.warnings.map(said.located))
    }

    /// What an earlier ScaleODM was configured by and nothing else is.
    private static let legacyVariables = [
        EnvironmentInventory.databaseURL, "SCALEODM_ODM_IMAGE", EnvironmentInventory.bucket,
    ]

    private func legacyWarnings(text: String, path: String) -> [InventoryProblem] {
        Self.legacyVariables.filter { environment($0) != nil && text.range(of: "${\($0)") == nil }.map {
            InventoryProblem(file: path, location: nil, message: "the environment has \($0); the file wins")
        }
    }

    private func reader(problems: [YAMLProblem], path: String) -> InventoryReader {
        InventoryReader(
            decoder: YAMLDecoder(problems: problems), folder: InventoryFile.folder(of: path), environment: environment,
            secretFile: secretFile)
    }

    private func refuse(_ problems: [YAMLProblem], path: String) throws(InventoryError) {
        guard !problems.isEmpty else { return }
        let isInvalid = problems.contains { !NotSupportedYet.isOne($0) }
        throw InventoryError(code: isInvalid ? .invalid : .notSupported, problems: Self.located(problems, path: path))
    }

    /// In the order of the file; what an alias repeats is told once.
    private static func located(_ problems: [YAMLProblem], path: String) -> [InventoryProblem] {
        var seen: Set<InventoryProblem> = []
        return problems.sorted { $0.location < $1.location }
            .map { InventoryProblem(file: path, location: $0.location, message: $0.message) }
            .filter { seen.insert($0).inserted }
    }
}
