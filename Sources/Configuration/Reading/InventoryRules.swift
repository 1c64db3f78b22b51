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
        if reader.isOfFile, place.entry("bucket") == nil {
            reader.decoder.report("storage.s3: the key `bucket` is missing", at: place.location)
        }
        let keys: [(String, String, WritableKeyPath<S3Settings, Secret?>)] = [
            ("access_key_id", "AWS_ACCESS_KEY_ID", \.accessKeyID),
            ("secret_access_key", "AWS_SECRET_ACCESS_KEY", \.secretAccessKey),
        ]
        for (key, variable, path) in keys where s3[keyPath: path] == nil {
            if let value = reader.environment(variable), !value.isEmpty {
                s3[keyPath: path] = Secret(value, origin: .reference("${\(variable)}"))
            } else if reader.isOfFile, place.entry(key) == nil, place.entry("\(key)_file") == nil {
                reader.decoder.report(
                    "storage.s3: the key `\(key)` is missing, and the environment has no \(variable)",
                    at: place.location)
            }
        }
        // Temporary keys come as three.
        if case .reference("${AWS_ACCESS_KEY_ID}") = s3.accessKeyID?.origin, s3.sessionToken == nil,
            let token = reader.environment("AWS_SESSION_TOKEN"), !token.isEmpty
        {
            s3.sessionToken = Secret(token, origin: .reference("${AWS_SESSION_TOKEN}"))
        }
        checkPrefix(of: &s3, at: place)
        inventory.storage.s3 = s3
    }

    /// A prefix is a folder: `scaleodm` would begin the keys of `scaleodm-old/` too.
    private func checkPrefix(of s3: inout S3Settings, at place: YAMLNode) {
        guard !s3.prefix.isEmpty else { return }
        if s3.prefix.utf8.last != 0x2F { s3.prefix += "/" }
        let parts = s3.prefix.dropLast().split(separator: "/", omittingEmptySubsequences: false)
        let isFolder = parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
        let isPlain = s3.prefix.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } && s3.prefix.utf8.count <= 512
        guard !isFolder || !isPlain, let value = place.entry("prefix")?.value else { return }
        reader.decoder.report(
            "storage.s3.prefix: expected folders such as `scaleodm/`, without a slash at the start",
            at: value.location)
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
