import Configuration
import Testing

@Suite("What an inventory is refused for")
struct RefusalTests {
    private func backend(_ keys: String) -> String {
        "backends:\n  - {name: a, url: \"http://node1.example.org\", \(keys)}\n"
    }

    @Test(
        "wrong values of the top sections",
        arguments: [
            ("listen: 31100", "1:9: listen: expected an address and a port such as 0.0.0.0:31100, found `31100`"),
            (
                "listen: 0.0.0.0:99999",
                "1:9: listen: expected an address and a port such as 0.0.0.0:31100, found `0.0.0.0:99999`"
            ),
            (
                "public_address: http://a/b",
                "1:17: public_address: expected http(s)://HOST:PORT, without a path, found `http://a/b`"
            ),
            (
                "admin: {listen: \"0.0.0.0:1\"}",
                "1:17: admin.listen: `0.0.0.0:1` can be reached from other machines: set admin.token"
            ),
            (
                "admin: {listen: \"[::]:1\", token: \"${NONE:-}\"}",
                "1:17: admin.listen: `[::]:1` can be reached from other machines: set admin.token"
            ),
            (
                "cors: {origins: [example.org]}",
                "1:18: cors.origins[0]: expected `\"*\"` or an origin such as https://webodm.example.org, found `example.org`"
            ),
            (
                "trusted_proxies: [10.0.0.5/8]",
                "1:19: trusted_proxies[0]: expected a network such as 10.0.0.0/8, with no bits set beyond its prefix, found `10.0.0.5/8`"
            ),
            (
                "public_address: http://gateway.example.org",
                "1:17: public_address: `http://gateway.example.org` is not supported yet"
            ),
            ("trusted_proxies: [10.0.0.0/8]", "1:18: trusted_proxies: not supported yet"),
            ("tls: {certificate: a}", "1:6: tls: the key `key` is missing"),
            ("storage: {sync: \"true\"}", "1:17: storage.sync: expected true or false, found the text `\"true\"`"),
            ("storage: {sync: yes}", "1:17: storage.sync: expected true or false, found `yes`"),
            ("limits: {images: 0}", "1:18: limits.images: expected a whole number of at least 1, found `0`"),
            (
                "scheduling: {attempts: 1.5}",
                "1:24: scheduling.attempts: expected a whole number from 1 to 1000, found `1.5`"
            ),
            (
                "limits: {header: null}",
                "1:18: limits.header: expected a size such as 64KiB, 1GiB or 2TiB, from 1KiB to 1MiB, found nothing"
            ),
            ("limits: [1]", "1:9: limits: expected keys and values, found a list"),
            ("database: mysql://u:p@h/d", "1:11: database: expected sqlite:PATH or postgresql://USER@HOST/NAME"),
            ("database: \"sqlite::memory:\"", "1:11: database: expected sqlite:PATH or postgresql://USER@HOST/NAME"),
            (
                "webhooks: {url: \"http://u:p@h/\"}",
                "1:17: webhooks.url: expected a URL such as http://node1.example.org:3000, without credentials, found the text `\"http://u:p@h/\"`"
            ),
            (
                "auth: {provider_url: \"http://a/\"}",
                "1:22: auth.provider_url: the text `\"http://a/\"` is not supported yet"
            ),
        ])
    func topSections(text: String, problem: String) {
        let found = problems("\(text)\nbackends: []\n").filter {
            !$0.hasSuffix("not supported yet") || $0.hasSuffix(problem)
        }
        #expect(found == ["gateway.yaml:\(problem)"])
    }

    @Test("tokens need a digest and a name of their own")
    func tokens() {
        let digest = String(repeating: "ab", count: 32)
        let text = """
            auth:
              tokens:
                - {name: a, sha256: \(digest)}
                - {name: a, sha256: abc}
                - {name: b, sha256: \(digest.uppercased())}
                - {sha256: \(digest.dropLast())g}
                - {name: c, sha256: \(String(repeating: "cd", count: 32)), priority: 3, labels: {a: b}, weight: 1.0}
            backends: []
            """
        let sha = "expected a SHA-256 of 64 hexadecimal digits (of `printf %s TOKEN | sha256sum`), found"
        #expect(
            problems(text) == [
                "gateway.yaml:4:14: auth.tokens: the name `a` is taken, in line 3",
                "gateway.yaml:4:25: auth.tokens[a].sha256: \(sha) `abc`",
                "gateway.yaml:5:25: auth.tokens: the sha256 `\(digest.uppercased().prefix(60))…` is taken, in line 3",
                "gateway.yaml:6:7: auth.tokens[3]: the key `name` is missing",
                "gateway.yaml:6:16: auth.tokens[3].sha256: \(sha) `\(digest.prefix(60))…`",
            ])
    }

    @Test(
        "a bucket's prefix is a folder, and its endpoint a server",
        arguments: [
            ("prefix: imagery", "imagery/", nil), ("prefix: a/b/", "a/b/", nil),
            ("bucket: ''", nil, "storage.s3.bucket: expected text"),
            ("bucket: null", nil, "storage.s3.bucket: expected text"),
            ("bucket: \"${NO_BUCKET:-}\"", nil, "storage.s3.bucket: expected text"),
            ("prefix: /a", nil, "storage.s3.prefix: expected folders such as `scaleodm/`, without a slash"),
            ("prefix: a/../b", nil, "storage.s3.prefix: expected folders such as"),
            ("prefix: a//b", nil, "storage.s3.prefix: expected folders such as"),
            ("endpoint: http://s3.example.org/x", nil, "expected http(s)://HOST:PORT, without a path"),
        ] as [(String, String?, String?)])
    func bucket(entry: String, prefix: String?, problem: String?) throws {
        let bucket = entry.hasPrefix("bucket") ? "" : "bucket: b, "
        let text = "storage: {s3: {\(bucket)access_key_id: i, secret_access_key: s, \(entry)}}\nbackends:\n"
        if let prefix { #expect(try load(text).inventory.storage.s3?.prefix == prefix) }
        if let problem {
            let found = problems(text)
            #expect(found.count == 1 && found.first?.contains(problem) == true, "\(found)")
        }
    }

    @Test(
        "wrong values of a backend",
        arguments: [
            ("kind: nodeodn", "kind: expected `argo`, `scaleodm`, `nodeodm`, found `nodeodn`; did you mean `nodeodm`?"),
            ("namespace: odm", "`namespace` is a key of kind `argo`; this backend is of kind `nodeodm`"),
            (
                "kind: scaleodm, max_parallel_tasks: 1, on_vanished: fail",
                "`on_vanished` is a key of kind `argo` and `nodeodm`; this backend is of kind `scaleodm`"
            ),
            ("kind: scaleodm", "the key `max_parallel_tasks` is missing: a ScaleODM doesn't tell it"),
            ("kind: scaleodm, max_parallel_tasks: 1", "kind: `scaleodm` needs `storage.s3`"),
            ("kind: argo", "kind: `argo` needs `storage.s3`"),
            (
                "kind: argo, workflow: {ttl: {success: 9m}}",
                "workflow.ttl.success: expected a duration such as 500ms, 5s, 10m, 48h or 30d of at least 10m, found `9m`"
            ),
            ("on_unknown: hold", "`on_unknown` is a key of kind `scaleodm`; this backend is of kind `nodeodm`"),
            ("dead_aftr: 5h", "unknown key `dead_aftr`; did you mean `dead_after`?"),
            (
                "dead_after: 1s",
                "dead_after: expected a duration such as 500ms, 5s, 10m, 48h or 30d of at least 1m, found `1s`"
            ),
            ("weight: 0", "weight: expected a number from 0.001 to 1000000, found `0`"),
            ("weight: inf", "weight: expected a number from 0.001 to 1000000, found `inf`"),
            ("tier: -1", "tier: expected a whole number from 0 to 1000, found `-1`"),
            ("labels: [gpu]", "labels: expected keys and values, found a list"),
            ("labels: {gpu: [a]}", "labels.gpu: expected text, found a list"),
            ("downloads: fast", "downloads: expected `stream`, `redirect`, found `fast`"),
            ("client_key: k.pem", "`client_certificate` and `client_key` need each other"),
            ("token: a, token_file: /b", "`token` and `token_file` exclude each other"),
        ])
    func backends(keys: String, problem: String) {
        let found = problems(backend(keys), files: ["/b": "x"])
        let expected =
            problem.hasPrefix("`") || problem.hasPrefix("the key") || problem.hasPrefix("unknown")
            ? ": \(problem)" : ".\(problem)"
        #expect(found.contains { $0.hasSuffix("backends[a]\(expected)") }, "\(found)")
        let others = found.filter { !$0.hasSuffix(problem) && !$0.contains(".kind: ") }
        #expect(others.isEmpty, "\(others)")
    }

    @Test("names are unique, and needed")
    func names() {
        let text = """
            backends:
              - {name: a, url: "http://node1.example.org"}
              - {name: a, url: "http://node2.example.org"}
              - {url: "http://node3.example.org"}
              - {name: b}
              - c
            """
        #expect(
            problems(text) == [
                "gateway.yaml:3:12: backends: the name `a` is taken, in line 2",
                "gateway.yaml:4:5: backends[2]: the key `name` is missing",
                "gateway.yaml:5:5: backends[b]: the key `url` is missing",
                "gateway.yaml:6:5: backends[4]: expected keys and values, found `c`",
            ])
    }

    @Test("two backends of one address, and an unchecked certificate, are warnings")
    func warnings() throws {
        let text = """
            backends:
              - {name: a, url: "http://node1.example.org:80/"}
              - {name: b, url: "http://NODE1.example.org", insecure_skip_verify: true}
            """
        #expect(
            try load(text).warnings.map(\.description) == [
                "gateway.yaml:3:20: backends[b].url: the same as of backends[a]: its slots count twice",
                "gateway.yaml:3:70: backends[b]: the backend's certificate isn't checked",
            ])
    }
}
