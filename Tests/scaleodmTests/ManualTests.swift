import Testing

@testable import scaleodm

@Suite("Completions and the manual page, out of the one table")
struct ManualTests {
    private let table = VerbTable(
        verbs: [
            Verb(
                name: "send", summary: "sends: all", arguments: [.init(name: "FILE", count: .oneOrMore, help: "files")],
                flags: [
                    Flag(name: "state", letter: "s", value: "STATE", help: "which [one]", choices: ["on", "off"]),
                    Flag(name: "data", value: "DIR", fallback: ".", help: "it's where"),
                    Flag(name: "url", value: "URL", environment: "THE_URL", help: "whom"),
                ], details: ".begins with a dot\n'and with a quote", examples: ["send \\ -s on"], failure: "failed",
                run: { _ in 0 }),
            Verb(name: "tasks", summary: "lists", failure: "failed", run: { _ in 0 }),
            Verb(
                name: "tasks show", summary: "shows", arguments: [.init(name: "UUID", help: "which")],
                failure: "failed", run: { _ in 0 }),
            Verb(name: "node lock", summary: "locks", failure: "failed", run: { _ in 0 }),
        ], version: "1.2.3")

    @Test("what may stand first and second")
    func words() {
        let words = CompletionWords(table: table)
        #expect(words.firstWords.map(\.word) == ["send", "tasks", "node", "help"])
        #expect(words.firstWords[1].summary == "lists")
        #expect(words.secondWords(behind: "tasks").map(\.word) == ["show"])
        #expect(words.prefixes == ["tasks", "node"])
    }

    @Test("what a value is")
    func kinds() {
        let flags = table.verbs[0].flags
        #expect(flags.map { CompletionWords.kind(of: $0) } == [.choices(["on", "off"]), .folder, .unknown])
        #expect(CompletionWords.kind(of: Flag.help) == nil)
        #expect(CompletionWords.kind(of: table.verbs[0]) == .file)
        #expect(CompletionWords.kind(of: table.verbs[1]) == nil)
    }

    @Test("nothing in a summary or help ends a quoted word of a shell")
    func quoting() {
        #expect(FishCompletion.script(table).contains("-d 'it\\'s where'"))
        #expect(ZshCompletion.script(table).contains("[it'\\''s where]"))
        #expect(ZshCompletion.script(table).contains("[which \\[one\\]]"))
        #expect(ZshCompletion.script(table).contains("'send:sends\\: all'"))
    }

    @Test("no line of the manual page is taken for a macro, and what is copied from it works")
    func page() {
        let page = ManualPage.text(table)
        #expect(page.contains("\n\\&.begins with a dot\n"))
        #expect(page.contains("\n\\(aqand with a quote\n"))
        #expect(page.contains("\nsend \\e \\-s on\n"))
        #expect(page.contains("\n.B \"\\-s, \\-\\-state STATE\"\n"))
        #expect(page.contains("\n.B \"THE_URL\"\n"))
        #expect(page.contains("scaleodm send"))
    }

    @Test("what isn't ASCII is named by its number")
    func characters() {
        #expect(Roff.escaped("a…b") == "a...b")
        #expect(Roff.escaped("é ✓ 🙂") == "\\[u00E9] \\[u2713] \\[u1F642]")
    }

    @Test("every verb of the program is in the page and in every completion")
    func complete() {
        let page = ManualPage.text(Verbs.table)
        for verb in Verbs.table.verbs {
            #expect(page.contains(".SS \"\(Roff.escaped(verb.name))\"\n"))
            #expect(FishCompletion.script(Verbs.table).contains("__scaleodm_verb \(verb.name)"))
            #expect(BashCompletion.script(Verbs.table).contains("        '\(verb.name)') _scaleodm_words"))
            #expect(ZshCompletion.script(Verbs.table).contains("        '\(verb.name)')\n"))
        }
    }
}
