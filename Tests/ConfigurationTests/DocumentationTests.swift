import Configuration
import Testing

@Suite("The page about the configuration")
struct DocumentationTests {
    @Test("docs/configuration.md names every key that a NodeODM gateway's file can have")
    func keys() throws {
        let page = try file("docs/configuration.md")
        let printed = try load("backends: [{name: a, url: \"http://node1.example.org\"}]").inventory.printed()
        let bucket = "storage: {s3: {bucket: b, access_key_id: i, secret_access_key: s}}\nbackends: []"
        for key in leafKeys(of: printed).union(leafKeys(of: try load(bucket).inventory.printed())) {
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
