/// An ordered list of options: what one node's `/options` says, or the union of several.
public struct OptionCatalog: Sendable, Equatable {
    /// The options in the order in which they are listed and validated.
    public let definitions: [OptionDefinition]
    private let places: [String: Int]

    /// Names that NodeODM never lists and always drops (contract 2.2): they would let a client reach outside its task.
    public static let neverListed: Set<String> = [
        "-h", "project-path", "cmvs-maxImages", "time", "zip-results", "pmvs-num-cores", "start-with", "gcp", "images",
        "geo", "align", "split-image-groups", "copy-to", "rerun-all", "rerun", "slam-config", "video", "version",
        "name",
    ]

    /// A list in the given order; of equal names the first one counts, never-listed ones are left out.
    public init(_ definitions: [OptionDefinition]) {
        var places: [String: Int] = [:]
        var kept: [OptionDefinition] = []
        for definition in definitions where !Self.neverListed.contains(definition.name) {
            guard places[definition.name] == nil else { continue }
            places[definition.name] = kept.count
            kept.append(definition)
        }
        self.definitions = kept
        self.places = places
    }

    /// The option of that name.
    public subscript(_ name: String) -> OptionDefinition? { places[name].map { definitions[$0] } }

    /// Whether the list has that name.
    public func contains(_ name: String) -> Bool { places[name] != nil }

    /// Equal lists; how names are looked up doesn't count.
    public static func == (left: OptionCatalog, right: OptionCatalog) -> Bool { left.definitions == right.definitions }
}

// MARK: Several nodes

extension OptionCatalog {
    /// The union over the backends, in the reference engine's order; names that the reference lacks come last.
    ///
    /// The first catalog that lists an option defines it; choices that only others allow are added behind its own.
    /// - Parameters:
    ///   - catalogs: one per backend, in the order of the inventory.
    ///   - reference: gives the order, and the list where there are no catalogs: `/options` is never empty.
    /// - Returns: each name once.
    public static func union(
        of catalogs: [OptionCatalog], orderedBy reference: OptionCatalog = .engine360
    ) -> OptionCatalog {
        guard !catalogs.isEmpty else { return reference }
        var merged: [String: OptionDefinition] = [:]
        var names: [String] = []
        for definition in catalogs.lazy.flatMap(\.definitions) {
            if let known = merged[definition.name] {
                merged[definition.name] = known.addingChoices(of: definition)
            } else {
                merged[definition.name] = definition
                names.append(definition.name)
            }
        }
        let first = reference.definitions.lazy.map(\.name).filter { merged[$0] != nil }
        let rest = names.lazy.filter { !reference.contains($0) }
        return OptionCatalog((Array(first) + Array(rest)).compactMap { merged[$0] })
    }

    /// The options that this engine knows: what is sent to a backend with this list.
    /// - Parameter options: validated against the union.
    /// - Returns: those of them that this list has.
    public func filter(_ options: [TaskOption]) -> [TaskOption] { options.filter { contains($0.name) } }

    /// The names that this engine lacks; where there are some, the backend isn't eligible for the task.
    /// - Parameter options: validated against the union.
    /// - Returns: names in the order of `options`.
    public func namesLacking(for options: [TaskOption]) -> [String] {
        options.lazy.map(\.name).filter { !contains($0) }
    }

    /// The list less some names, such as those a token may not use.
    public func without(_ names: Set<String>) -> OptionCatalog {
        OptionCatalog(definitions.filter { !names.contains($0.name) })
    }
}

extension OptionDefinition {
    fileprivate func addingChoices(of other: OptionDefinition) -> OptionDefinition {
        guard case .choices(let own) = domain, case .choices(let others) = other.domain else { return self }
        let added = others.filter { !own.contains($0) }
        guard !added.isEmpty else { return self }
        var merged = self
        merged.domain = .choices(own + added)
        return merged
    }
}

// MARK: The wire

extension OptionCatalog {
    /// Reads a node's `/options`; entries that can't be read are left out.
    /// - Parameter bytes: the body.
    /// - Throws: ``WireFormatError`` where it isn't a JSON array with at least one option.
    public init(decoding bytes: [UInt8]) throws(WireFormatError) {
        let json: JSONValue
        do { json = try JSONValue(parsing: bytes) } catch {
            throw WireFormatError(.notJSON, "/options isn't JSON: \(error.message)")
        }
        guard let entries = json.array else { throw WireFormatError(.notAnArray, "/options isn't a JSON array") }
        self.init(entries.compactMap(OptionDefinition.init(json:)))
        if definitions.isEmpty { throw WireFormatError(.missingField, "/options lists no option") }
    }

    /// Writes the array that `/options` answers.
    /// - Parameter json: the text that is appended to.
    public func encode(into json: inout JSONWriter) {
        json.beginArray()
        for definition in definitions { definition.encode(into: &json) }
        json.endArray()
    }
}
