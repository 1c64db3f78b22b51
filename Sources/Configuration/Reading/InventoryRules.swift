import Observability
import YAML

/// What no section can say alone.
struct InventoryRules {
    let root: YAMLNode
    let reader: InventoryReader

    /// Checks a file, fills in what depends on the world around it, and reports.
    func apply(to inventory: inout Inventory) {
        checkAdmin(inventory.admin)
        checkBackends(inventory)
        fillKeys(of: &inventory)
        if node("storage", "directory") == nil {
            inventory.storage.directory = reader.resolve(inventory.storage.directory)
        }
    }

    private func checkAdmin(_ admin: AdminSettings) {
        guard !admin.listen.isLoopback, admin.token == nil, let place = node("admin", "listen") else { return }
        // A token that was stated and couldn't be read was reported; this would only repeat it.
        let isStated = ["token", "token_file"].contains { key in
            node("admin", key).map { !$0.isNull && !isEmptyText($0) } ?? false
        }
        guard !isStated else { return }
        reader.decoder.report(
            "admin.listen: `\(admin.listen)` can be reached from other machines: set admin.token", at: place.location)
    }

    private func checkBackends(_ inventory: Inventory) {
        guard let backends = root.entry("backends") else { return }
        if backends.value.isNull || isEmptyList(backends.value) {
            reader.decoder.warn("backends: there is none, so that every task waits", at: backends.location)
        }
        var places: [String: String] = [:]
        for (index, element) in backends.value.elements.enumerated() {
            let label = "backends[\(ListItem.label(of: element, at: index))]"
            checkStorage(of: element, label: label, inventory)
            guard let url = element.entry("url")?.value, case .scalar(let scalar) = url.content,
                let parsed = HTTPURL(scalar.text)
            else { continue }
            let place = parsed.origin + parsed.path
            if let other = places.updateValue(label, forKey: place) {
                reader.decoder.warn("\(label).url: the same as of \(other): its slots count twice", at: url.location)
            }
        }
    }

    private func checkStorage(of element: YAMLNode, label: String, _ inventory: Inventory) {
        guard let kind = element.entry("kind")?.value, case .scalar(let scalar) = kind.content,
            ["argo", "scaleodm"].contains(scalar.text), node("storage", "s3").map(\.isNull) ?? true
        else { return }
        reader.decoder.report("\(label).kind: `\(scalar.text)` needs `storage.s3`", at: kind.location)
    }

    /// Keys of the object store default to the variables that all of its tools know.
    private func fillKeys(of inventory: inout Inventory) {
        guard var s3 = inventory.storage.s3, let place = node("storage", "s3") else { return }
        let keys: [(String, String, WritableKeyPath<S3Settings, Secret?>)] = [
            ("access_key_id", "AWS_ACCESS_KEY_ID", \.accessKeyID),
            ("secret_access_key", "AWS_SECRET_ACCESS_KEY", \.secretAccessKey),
        ]
        for (key, variable, path) in keys where s3[keyPath: path] == nil {
            if let value = reader.environment(variable), !value.isEmpty {
                s3[keyPath: path] = Secret(value, origin: .reference("${\(variable)}"))
            } else if place.entry(key) == nil, place.entry("\(key)_file") == nil {
                reader.decoder.report(
                    "storage.s3: the key `\(key)` is missing, and the environment has no \(variable)",
                    at: place.location)
            }
        }
        inventory.storage.s3 = s3
    }

    private func node(_ section: String, _ key: String) -> YAMLNode? {
        root.entry(section)?.value.entry(key)?.value
    }

    private func isEmptyList(_ node: YAMLNode) -> Bool {
        if case .sequence(let nodes) = node.content { return nodes.isEmpty }
        return false
    }

    private func isEmptyText(_ node: YAMLNode) -> Bool {
        if case .scalar(let scalar) = node.content { return !scalar.isBroken && scalar.text.isEmpty }
        return false
    }
}
