import Testing
import YAML

@Suite("Typed reading")
struct YAMLDecoderTests {
    private func node(_ text: String) throws -> YAMLNode { try #require(YAMLParser.parse(text).root) }

    @Test("a mismatch says where, what was expected and what was found")
    func mismatch() throws {
        let decoder = YAMLDecoder()
        for text in ["abc", "\"5\"", "[5]", "{a: 5}", "", String(repeating: "x", count: 100)] {
            _ = decoder.inside("limits") {
                decoder.inside("images") {
                    decoder.scalar((try? node(text)) ?? root, expected: "a number") { Int($0.text + "x") }
                }
            }
        }
        #expect(
            decoder.problems.map(\.message)
                == [
                    "`abc`", "the text `\"5\"`", "a list", "keys and values", "nothing",
                    "`\(String(repeating: "x", count: 60))…`",
                ].map { "limits.images: expected a number, found \($0)" })
    }

    private var root: YAMLNode { YAMLNode(.sequence([]), at: .start) }

    @Test("the value of a replaced reference is never shown")
    func replacedIsHidden() {
        let node = YAMLNode(.scalar(YAMLScalar("${TOKEN}", isPlain: true).replaced(by: "hunter2")), at: .start)
        #expect(YAMLDecoder.describe(node) == "the value of `${TOKEN}`")
    }

    @Test("unknown keys are told with what was probably meant")
    func unknownKeys() throws {
        let decoder = YAMLDecoder()
        let entries = try #require(decoder.mapping(try node("lmits: 1\nlimit: 2\nzzz: 3\nlog: 4\n")))
        decoder.refuseUnknownKeys(in: entries, known: ["limits", "log", "listen"])
        #expect(
            decoder.problems.map(\.description) == [
                "1:1: unknown key `lmits`; did you mean `limits`?", "2:1: unknown key `limit`; did you mean `limits`?",
                "3:1: unknown key `zzz`; known here: limits, log, listen",
            ])
    }

    @Test("lists and mappings may be left empty")
    func emptyPlaces() throws {
        let decoder = YAMLDecoder()
        #expect(decoder.sequence(try node(""))?.isEmpty == true)
        #expect(decoder.mapping(try node("~"))?.isEmpty == true)
        #expect(decoder.sequence(try node("x")) == nil)
        #expect(decoder.mapping(try node("[]")) == nil)
        #expect(decoder.problems.count == 2)
    }

    @Test(
        "a suggestion is close, or none",
        arguments: [
            ("backend", "backends"), ("shceduling", "scheduling"), ("LISTEN", "listen"), ("listne", "listen"),
            ("", nil),
            ("xyz", nil), ("admim", "admin"), (String(repeating: "a", count: 100), nil),
        ] as [(String, String?)])
    func suggestions(word: String, meant: String?) {
        #expect(Suggestion.closest(to: word, among: ["admin", "backends", "listen", "scheduling"]) == meant)
    }
}

@Suite("Printed YAML")
struct YAMLValueTests {
    @Test("blocks are nested, and empty ones stand in their line")
    func blocks() {
        let value = YAMLValue.mapping([
            ("a", .plain("5s")), ("b", .mapping([("c", .null), ("d", .list([.text("x"), .text("*")]))])),
            ("e", .list([.mapping([("f", .plain("1")), ("g", .mapping([("h", .text("t"))]))])])), ("i", .list([])),
            ("j", .mapping([])),
        ])
        #expect(
            value.printed() == """
                a: 5s
                b:
                  c: null
                  d: [x, "*"]
                e:
                  - f: 1
                    g:
                      h: t
                i: []
                j: {}

                """)
    }

    @Test(
        "any text is read as the same text again",
        arguments: [
            "", "plain", "null", "true", "No", "5", "0x10", "1.5", "a: b", "a #b", "- a", "{x}", "[x]", "é", "tab\t",
            "two\nlines",
            "quote\"back\\slash", "\u{1}\u{7F}\u{85}", "ends:", ":x", "http://node1.example.org:3000/a", "~", "/data",
            "a b", "<<", "@x",
        ])
    func roundTrip(text: String) {
        let printed = YAMLValue.mapping([("key", .text(text)), ("list", .list([.text(text)]))]).printed()
        let root = YAMLParser.parse(printed).root
        for node in [root?.entry("key")?.value, root?.entry("list")?.value.elements.first] {
            guard case .scalar(let scalar)? = node?.content else {
                Issue.record("no scalar in \(printed)")
                continue
            }
            #expect(scalar.text == text)
            #expect(!scalar.isNull)
        }
    }
}
