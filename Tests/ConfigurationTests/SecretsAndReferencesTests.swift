import Configuration
import Observability
import Testing

@Suite("Secrets and references to the environment")
struct SecretsAndReferencesTests {
    private func token(_ text: String, _ environment: [String: String] = [:]) throws -> Secret? {
        try load("admin: {token: \(text)}\nbackends:\n", environment: environment).inventory.admin.token
    }

    @Test(
        "references are replaced inside scalars",
        arguments: [
            ("${A}", "1"), ("x${A}${B}y", "x12y"), ("${NONE:-d}", "d"), ("${EMPTY:-d}", "d"), ("${NONE:-a:-b}", "a:-b"),
            ("$${A}", "${A}"), ("$$${A}", "$${A}"), ("$A$", "$A$"), ("${NONE:-}z", "z"), ("'${QUOTE}'", "a\": {b"),
        ])
    func replaced(text: String, value: String) throws {
        let world = ["A": "1", "B": "2", "EMPTY": "", "QUOTE": "a\": {b"]
        #expect(try token(text.hasPrefix("'") ? text : "\"\(text)\"", world)?.reveal() == value)
    }

    @Test(
        "a reference that can't be replaced is one error, at its line",
        arguments: [
            ("${NONE}", "the environment has no NONE; set it, or write ${NONE:-default}"),
            ("${A", "a `${` without its `}`; `$${` stands for `${` itself"),
            ("${}", "`` isn't the name of a variable; write ${NAME} or ${NAME:-default}"),
            ("${1A}", "`1A` isn't the name of a variable; write ${NAME} or ${NAME:-default}"),
            ("${A B}", "`A B` isn't the name of a variable; write ${NAME} or ${NAME:-default}"),
        ])
    func broken(text: String, problem: String) {
        #expect(
            problems("listen: \"\(text)\"\nbackends: []\n", environment: ["A": "1"]) == ["gateway.yaml:1:9: \(problem)"]
        )
        #expect(
            problems("backends:\n  - name: a\n    url: http://a\n    tier: \"\(text)\"\n") == [
                "gateway.yaml:4:11: \(problem)"
            ])
    }

    @Test("a replaced text can be any type, and can't become structure")
    func types() throws {
        let text = """
            storage: {sync: "${SYNC}"}
            scheduling: {attempts: "${N}", refresh: "${T}"}
            limits: {images: "${NONE:-}"}
            admin: {token: "${INJECTED}"}
            backends: []
            """
        let world = ["SYNC": "false", "N": "7", "T": "9s", "INJECTED": "a}\nlisten: x"]
        #expect(problems(text, environment: world).count == 2)
        let inventory = try load(
            text.split(separator: "\n").filter { !$0.hasPrefix("limits") && !$0.hasPrefix("admin") }.joined(
                separator: "\n"),
            environment: world
        ).inventory
        #expect(!inventory.storage.sync)
        #expect(inventory.scheduling.attempts == 7)
        #expect(inventory.scheduling.refresh == .seconds(9))
        let plain = try load("limits: {images: \"5\"}\nbackends:\n".split(separator: "\"").joined()).inventory
        #expect(plain.limits.images == 5)
    }

    @Test("a wrong value from the environment isn't shown")
    func hidden() {
        let found = problems(
            "listen: ${SECRET}\nlog: {level: \"${SECRET}\"}\nbackends:\n", environment: ["SECRET": "hunter2"])
        #expect(found.count == 2)
        #expect(found.allSatisfy { !$0.contains("hunter2") && $0.contains("the value of `${SECRET}`") })
    }

    @Test("a secret knows where it came from, and an empty one is none")
    func origins() throws {
        #expect(try token("\"${A}\"", ["A": "s"])?.origin == .reference("${A}"))
        #expect(try token("s")?.origin == .literal)
        #expect(try token("\"${NONE:-}\"") == nil)
        #expect(try token("\"\"") == nil)
        #expect(try token("null") == nil)
        let text = "admin: {token_file: t}\nbackends:\n"
        let loaded = try load(text, path: "conf/g.yaml", files: ["conf/t": "s"])
        #expect(loaded.inventory.admin.token?.origin == .file("conf/t"))
        #expect(
            problems("admin: {token_file: t}\nbackends:\n") == [
                "gateway.yaml:1:21: admin.token_file: /nonexistent/t can't be read: No such file or directory"
            ])
        #expect(
            problems("admin: {token: [a]}\nbackends:\n") == [
                "gateway.yaml:1:16: admin.token: expected text, found a list"
            ])
        #expect(problems("admin: {token: \"a\\nb\"}\nbackends:\n").count == 1)
    }

    @Test("a secret in the file itself is a warning")
    func literal() throws {
        let text =
            "admin: {token: s}\ndatabase: postgresql://u:p@h/d\nbackends:\n  - {name: a, url: \"http://a\", token: t}\n"
        #expect(
            try load(text).warnings.map(\.description) == [
                "gateway.yaml:1:16: admin.token: the secret stands in the file itself; write ${NAME}, or name a file by the"
                    + " key's `_file` twin",
                "gateway.yaml:2:11: database: the password stands in the file itself; write ${NAME}, or name a file by"
                    + " `database_file`",
                "gateway.yaml:4:39: backends[a].token: the secret stands in the file itself; write ${NAME}, or name a file"
                    + " by the key's `_file` twin",
            ])
    }

    @Test("a non-loopback admin listener takes a token of any origin")
    func adminToken() throws {
        for key in ["token: \"${A}\"", "token_file: /t"] {
            let text = "admin: {listen: \"0.0.0.0:1\", \(key)}\nbackends:\n"
            #expect(try load(text, environment: ["A": "s"], files: ["/t": "s"]).inventory.admin.token != nil)
        }
    }

    @Test("an object store's keys come from the variables that its tools know, temporary ones as three")
    func objectStore() throws {
        let text = "storage: {s3: {bucket: b}}\nbackends:\n"
        let world = ["AWS_ACCESS_KEY_ID": "i", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t"]
        let s3 = try #require(try load(text, environment: world).inventory.storage.s3)
        #expect(s3.accessKeyID?.reveal() == "i" && s3.secretAccessKey?.reveal() == "s")
        #expect(s3.sessionToken == Secret("t", origin: .reference("${AWS_SESSION_TOKEN}")))
        let own = "storage: {s3: {bucket: b, access_key_id_file: /i, secret_access_key_file: /s}}\nbackends:\n"
        let files = try load(own, environment: world, files: ["/i": "1", "/s": "2"]).inventory.storage.s3
        #expect(files?.accessKeyID?.origin == .file("/i"))
        #expect(files?.sessionToken == nil, "another's token")
        #expect(problems(text).count == 2, "no keys at all")
    }

    @Test("a database's URL is read, and masked for people")
    func database() throws {
        for (url, masked) in [
            ("postgresql://scaleodm@db/scaleodm?sslmode=require", "postgresql://scaleodm@db/scaleodm?sslmode=require"),
            ("postgres://u:p/@w@h:5432/d", "postgres://u:***@h:5432/d"),
            ("postgresql:///d?host=/run&password=x&user=u", "postgresql:///d?host=/run&password=***&user=u"),
        ] {
            let inventory = try load("database: ${URL}\nbackends:\n", environment: ["URL": url]).inventory
            #expect(inventory.database == .postgresql(url: Secret(url, origin: .reference("${URL}"))))
            #expect(inventory.database.masked == masked)
            #expect(!"\(inventory)".contains("p/@w"))
        }
        let file = try load("database_file: /u\nbackends:\n", files: ["/u": "postgresql://h/d"]).inventory
        #expect(file.database == .postgresql(url: Secret("postgresql://h/d", origin: .file("/u"))))
        #expect(problems("database: sqlite:a\ndatabase_file: /u\nbackends:\n", files: ["/u": "sqlite:b"]).count == 1)
    }
}
