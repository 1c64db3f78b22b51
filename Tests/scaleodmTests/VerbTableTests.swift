import Testing

@testable import scaleodm

@Suite("The command line")
struct VerbTableTests {
    private static let url = Flag(
        name: "gateway", value: "URL", environment: "THE_GATEWAY", fallback: "http://fallback", help: "where")
    private let table = VerbTable(
        verbs: [
            Verb(
                name: "send", summary: "sends", arguments: [.init(name: "FILE", count: .oneOrMore, help: "files")],
                flags: [
                    url, Flag(name: "option", letter: "o", value: "K=V", repeats: true, help: "options"),
                    Flag(name: "wait", help: "waits"),
                ], failure: "failed", run: { _ in 0 }),
            Verb(
                name: "run", summary: "runs",
                flags: [Flag(name: "config", letter: "c", value: "FILE", isRequired: true, help: "the file")],
                failure: "failed", run: { _ in 0 }),
            Verb(name: "tasks", summary: "lists", failure: "failed", run: { _ in 0 }),
            Verb(
                name: "tasks show", summary: "shows", arguments: [.init(name: "UUID", help: "which")],
                failure: "failed", run: { _ in 0 }),
            Verb(
                name: "backends", summary: "lists", arguments: [.init(name: "NAME", count: .oneOrNone, help: "one")],
                failure: "failed", run: { _ in 0 }),
        ], version: "1.2.3")

    private func read(_ line: String, environment: [String: String] = [:]) throws -> Invocation {
        let words = line.split(separator: " ").map(String.init)
        guard case .run(let invocation) = try table.read(words, environment: { environment[$0] }) else {
            throw UsageError(message: "help was shown")
        }
        return invocation
    }

    private func complaint(about line: String) -> String {
        do {
            _ = try read(line)
            return "nothing"
        } catch { return (error as? UsageError)?.message ?? "\(error)" }
    }

    @Test("files, repeated flags and switches may stand in any order")
    func order() throws {
        let invocation = try read("send a.jpg -o x=1 --wait b.jpg --option=y=2 c.jpg")
        #expect(invocation.arguments == ["a.jpg", "b.jpg", "c.jpg"])
        #expect(invocation.all("option") == ["x=1", "y=2"])
        #expect(invocation.has("wait"))
    }

    @Test("behind -- everything is a file, and a lone hyphen always is")
    func endOfFlags() throws {
        #expect(try read("send -- --wait -x").arguments == ["--wait", "-x"])
        #expect(try read("send -").arguments == ["-"])
        #expect(try read("send -- --help").arguments == ["--help"])
    }

    @Test("a flag goes before its variable, and that before what holds without; an empty variable counts for nothing")
    func precedence() throws {
        let set = ["THE_GATEWAY": "http://variable"]
        #expect(try read("send a --gateway http://flag", environment: set).value(Self.url) == "http://flag")
        #expect(try read("send a", environment: set).value(Self.url) == "http://variable")
        #expect(try read("send a", environment: ["THE_GATEWAY": ""]).value(Self.url) == "http://fallback")
    }

    @Test("the longest verb is meant")
    func longestVerb() throws {
        #expect(try read("tasks show x").verb.name == "tasks show")
        #expect(try read("tasks").verb.name == "tasks")
    }

    @Test(
        "wrong use is told, with what was probably meant",
        arguments: [
            ("sned a", "there is no verb `sned`; did you mean `send`?"),
            ("--wait send", "a verb comes first, not `--wait`"),
            ("send a --wiat", "there is no flag `--wiat`; did you mean `--wait`?"),
            ("send a -x", "there is no flag `-x`"),
            ("send a --gateway", "`--gateway` needs a value: URL"),
            ("send a --wait=yes", "`--wait` takes no value"),
            ("send a --gateway x --gateway y", "`--gateway` was given twice"),
            ("send", "FILE is missing"), ("run", "`-c FILE` is missing"), ("run -c", "`--config` needs a value: FILE"),
            ("tasks show", "UUID is missing"), ("tasks show a b", "`b` is one word too many"),
            ("tasks b", "`b` is one word too many"),
        ])
    func complaints(line: String, message: String) {
        #expect(complaint(about: line) == message)
    }

    @Test("help goes before every mistake, and names all that the table has")
    func help() throws {
        guard case .show(let text) = try table.read(["send", "--nonsense", "-h"], environment: { _ in nil }) else {
            Issue.record("no help was shown")
            return
        }
        for word in ["FILE", "--gateway URL", "THE_GATEWAY", "http://fallback", "-o, --option K=V", "may be repeated"] {
            #expect(text.contains(word), "\(word)")
        }
        guard case .show(let all) = try table.read([], environment: { _ in nil }) else { return }
        for verb in table.verbs { #expect(all.contains("\(verb.name) ")) }
    }

    @Test("the program's own table: names are unique, every flag has its help, every verb an example")
    func ownTable() {
        let verbs = Verbs.table.verbs
        #expect(Set(verbs.map(\.name)).count == verbs.count)
        for verb in verbs {
            #expect(!verb.summary.isEmpty && !verb.examples.isEmpty, "\(verb.name)")
            #expect(Set(verb.allFlags.map(\.name)).count == verb.allFlags.count, "\(verb.name)")
            for flag in verb.flags { #expect(!flag.help.isEmpty, "\(verb.name) --\(flag.name)") }
        }
    }

    @Test("options go out as text; a bare name switches on; a value may hold equals signs")
    func options() throws {
        let text = try SubmitCommand.options(["dsm", "name=a=b", "x="])
        #expect(
            text == #"[{"name":"dsm","value":"true"},{"name":"name","value":"a=b"},{"name":"x","value":""}]"#)
        #expect(throws: CommandError.self) { try SubmitCommand.options(["=1"]) }
    }

    @Test("an argument that may be left out takes one word at most")
    func optionalArgument() throws {
        #expect(try read("backends").arguments.isEmpty)
        #expect(try read("backends a").arguments == ["a"])
        #expect(complaint(about: "backends a b").contains("one word too many"))
        #expect(table.verb("backends")?.usage == "scaleodm backends [NAME]")
    }

    @Test("a backend on the command line becomes an entry of the inventory")
    func addedBackend() throws {
        let pairs = ["tier=1", "weight=1.5", "labels.zone=eu", "labels.gpu=true", "token=a=b"]
        let line = try BackendsAddCommand.definition("n", url: "http://n.example.org", pairs).line
        #expect(
            line == #"{"name":"n","url":"http://n.example.org","tier":1,"weight":1.5,"token":"a=b","#
                + #""labels":{"zone":"eu","gpu":true}}"# + "\n")
        #expect(throws: CommandError.self) { try BackendsAddCommand.definition("n", url: "u", ["tier"]) }
    }
}
