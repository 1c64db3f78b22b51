import Model
import YAML

extension Format where Value == BackendDefinition {
    /// One entry of `backends`: which keys it may have depends on its kind.
    static var backend: Format {
        Format(
            read: { node, reader in
                guard let entries = reader.decoder.mapping(node) else { return nil }
                let kind = readKind(entries, reader)
                refuseUnknownKeys(in: entries, of: kind, reader)
                return readDefinition(entries, at: node, of: kind, reader)
            },
            print: { definition, display in
                let fields = BackendDefinition.commonFields + BackendDefinition.fields(of: definition.kind)
                let first: [(key: String, value: YAMLValue)] = [
                    ("name", .text(definition.name.string)), ("kind", .plain(definition.kind.rawValue)),
                ]
                return .mapping(first + fields.flatMap { $0.print(definition, display) })
            })
    }

    /// nil where the stated kind isn't one, which was reported.
    ///
    /// Not stated: a NodeODM node.
    private static func readKind(_ entries: [YAMLEntry], _ reader: InventoryReader) -> BackendKind? {
        guard let entry = entries.first(where: { $0.key == "kind" }) else { return .nodeodm }
        return reader.decoder.inside("kind") { Format<BackendKind>.choice.read(entry.value, reader) }
    }

    private static func refuseUnknownKeys(in entries: [YAMLEntry], of kind: BackendKind?, _ reader: InventoryReader) {
        let common = ["name", "kind"] + BackendDefinition.commonFields.flatMap(\.keys)
        let keys = BackendKind.allCases.map { ($0, BackendDefinition.fields(of: $0).flatMap(\.keys)) }
        guard let kind else {
            reader.decoder.refuseUnknownKeys(in: entries, known: common + keys.flatMap(\.1))
            return
        }
        let known = common + keys.filter { $0.0 == kind }.flatMap(\.1)
        let others = entries.filter { entry in
            guard !known.contains(entry.key) else { return false }
            let kinds = keys.filter { $0.1.contains(entry.key) }.map { "`\($0.0.rawValue)`" }
            guard !kinds.isEmpty else { return true }
            let owners = kinds.joined(separator: " and ")
            reader.decoder.report(
                "`\(entry.key)` is a key of kind \(owners); this backend is of kind `\(kind.rawValue)`",
                at: entry.location, code: .unknownKey)
            return false
        }
        reader.decoder.refuseUnknownKeys(in: others, known: known)
    }

    private static func readDefinition(
        _ entries: [YAMLEntry], at node: YAMLNode, of kind: BackendKind?, _ reader: InventoryReader
    ) -> BackendDefinition? {
        let name = readName(entries, at: node, reader)
        // Without a name or kind all other keys are read too, so that their mistakes are told at the same time.
        let assumed = name ?? BackendName(recorded: "unnamed")
        var definition = BackendDefinition(name: assumed, url: nil, kind: kind ?? .nodeodm)
        let fields = BackendDefinition.commonFields + (kind.map { BackendDefinition.fields(of: $0) } ?? [])
        _ = reader.read(fields, of: entries, at: node.location, into: &definition)
        check(definition, entries, at: node, reader)
        return name == nil || kind == nil ? nil : definition
    }

    private static func readName(_ entries: [YAMLEntry], at node: YAMLNode, _ reader: InventoryReader) -> BackendName? {
        guard let entry = entries.first(where: { $0.key == "name" }) else {
            reader.decoder.report("the key `name` is missing", at: node.location)
            return nil
        }
        return reader.decoder.inside("name") { Format<String>.name.read(entry.value, reader) }
            .flatMap { BackendName($0) }
    }

    /// What no key can say alone.
    private static func check(
        _ definition: BackendDefinition, _ entries: [YAMLEntry], at node: YAMLNode, _ reader: InventoryReader
    ) {
        let stated = Set(entries.filter { !$0.value.isNull }.map(\.key))
        func place(_ key: String) -> SourceLocation { entries.first { $0.key == key }?.value.location ?? node.location }
        var isInCluster = false
        if case .argo(let settings) = definition.settings, settings.api == .kubernetes { isInCluster = true }
        if !stated.contains("url"), !isInCluster {
            reader.decoder.report("the key `url` is missing", at: place("url"))
        }
        if definition.kind == .scaleodm, !stated.contains("max_parallel_tasks") {
            reader.decoder.report(
                "the key `max_parallel_tasks` is missing: a ScaleODM doesn't tell it", at: place("max_parallel_tasks"))
        }
        if stated.contains("client_certificate") != stated.contains("client_key") {
            let key = stated.contains("client_key") ? "client_key" : "client_certificate"
            reader.decoder.report("`client_certificate` and `client_key` need each other", at: place(key))
        }
        if definition.tls.insecureSkipVerify {
            reader.decoder.warn("the backend's certificate isn't checked", at: place("insecure_skip_verify"))
        }
    }
}
