import Configuration
import Testing

@Suite("The page about the configuration")
struct DocumentationTests {
    @Test("docs/configuration.md names every key that the file of a gateway with nodes and clusters can have")
    func keys() throws {
        let page = try file("docs/configuration.md")
        let printed = try load("backends: [{name: a, url: \"http://node1.example.org\"}]").inventory.printed()
        let bucket = "storage: {s3: {bucket: b, access_key_id: i, secret_access_key: s}}\nbackends: []"
        let cluster = "backends: [{name: a, kind: argo, url: \"https://argo.example.org\"}]"
        let others = [bucket, bucket.replacing("backends: []", with: cluster)]
        let all = try others.reduce(into: leafKeys(of: printed)) {
            try $0.formUnion(leafKeys(of: load($1).inventory.printed()))
        }
        for key in all {
            #expect(page.contains("`\(key)`") || page.contains(".\(key)`"), "`\(key)` is missing")
        }
    }

    /// The names before a colon and a value, from YAML in block style.
    private func leafKeys(of text: String) -> Set<String> {
        var keys: Set<String> = []
        for line in text.split(separator: "\n") {
            let trimmed = line.drop { $0 == " " || $0 == "-" }
            guard let colon = trimmed.firstIndex(of: ":"), trimmed.index(after: colon) != trimmed.endIndex else {
                continue
            }
            keys.insert(String(trimmed[..<colon]))
        }
        return keys
    }
}
