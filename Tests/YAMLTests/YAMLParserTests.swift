import Testing
import YAML

@Suite("YAML documents")
struct YAMLParserTests {
    private func problems(_ text: String, limits: YAMLLimits = YAMLLimits()) -> [String] {
        YAMLParser.parse(text, limits: limits).problems.map(\.description)
    }

    private func value(_ text: String, _ path: String...) -> YAMLNode? {
        path.reduce(YAMLParser.parse(text).root) { node, key in node?.entry(key)?.value }
    }

    @Test("keys and values know their lines and columns")
    func locations() {
        let text = "a:\n  - ß: 1\n    b: {c: x}\n"
        let element = value(text, "a")?.elements.first
        #expect(element?.entry("ß")?.location == SourceLocation(line: 2, column: 5))
        #expect(element?.entry("ß")?.value.location == SourceLocation(line: 2, column: 8))
        #expect(element?.entry("b")?.value.entry("c")?.value.location == SourceLocation(line: 3, column: 12))
    }

    @Test("plain and quoted scalars are told apart")
    func scalars() {
        let text = "a: null\nb: \"null\"\nc:\nd: ~\ne: !!str null\nf: |\n  x\n  y\n"
        for (key, isNull) in [("a", true), ("b", false), ("c", true), ("d", true), ("e", false), ("f", false)] {
            #expect(value(text, key)?.isNull == isNull, "\(key)")
        }
        #expect(value(text, "f")?.content == .scalar(YAMLScalar("x\ny\n", isPlain: false)))
    }

    @Test("an empty document is null", arguments: ["", "# nothing\n", "---\n", "\u{FEFF}"])
    func empty(text: String) {
        let (root, problems) = YAMLParser.parse(text)
        #expect(root?.isNull == true)
        #expect(problems.isEmpty)
    }

    @Test("aliases stand for their anchor's node, and merge keys fill in what is absent")
    func aliases() {
        let text = "base: &b {x: 1, y: 2}\nuse: *b\nmore: {<<: *b, y: 3}\nmany: {<<: [{z: 4}, *b]}\n"
        #expect(value(text, "use") == value(text, "base"))
        #expect(value(text, "more", "x")?.content == .scalar(YAMLScalar("1", isPlain: true)))
        #expect(value(text, "more", "y")?.content == .scalar(YAMLScalar("3", isPlain: true)))
        #expect(value(text, "many", "z") != nil)
        #expect(value(text, "many", "y") != nil)
        #expect(problems(text).isEmpty)
    }

    @Test("duplicate keys are all told, and the rest of the document is still read")
    func duplicates() {
        let text = "a: 1\nb: {c: 1, c: 2}\na: 2\nd: 4\n"
        #expect(
            problems(text) == [
                "2:11: the key `c` stands here twice, first in line 2",
                "3:1: the key `a` stands here twice, first in line 1",
            ])
        #expect(value(text, "d") != nil)
    }

    @Test(
        "what isn't one plain document is refused where it stands",
        arguments: [
            ("a: 1\n---\nb: 2\n", "2:1: a second document: a file holds one"),
            ("a: *x\n", "1:4: the alias *x stands for nothing yet"),
            ("a: &x [*x]\n", "1:8: the alias *x stands for nothing yet"),
            ("a: !!binary aGk=\n", "1:4: the tag tag:yaml.org,2002:binary isn't supported"),
            ("? [a]\n: 1\n", "1:3: a key must be text"),
            ("a: {<<: 5}\n", "1:9: `<<` takes a mapping, or a list of mappings"),
            (
                "a: [1\nb: 2\n",
                "2:2: invalid YAML: did not find expected ',' or ']', while parsing a flow sequence that starts in line 1"
            ),
            ("a: ä\u{01}\n", "1:5: invalid text: control characters are not allowed"),
        ])
    func refused(text: String, problem: String) { #expect(problems(text) == [problem]) }

    @Test("aliases can't grow a small file into a large tree")
    func billionLaughs() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1..<9 {
            let aliases = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(aliases)]\n"
        }
        #expect(problems(text).count == 1)
        #expect(problems(text).first?.hasSuffix("the file has more than 200000 nodes, aliases replaced") == true)
    }

    @Test("depth is bounded, by brackets and by aliases")
    func depth() {
        let limits = YAMLLimits(depth: 4)
        #expect(problems("[[[[x]]]]", limits: limits).isEmpty)
        #expect(problems("[[[[[x]]]]]", limits: limits) == ["1:5: lists and mappings lie more than 4 deep"])
        #expect(problems("- &a [[[x]]]\n- [*a]\n", limits: limits) == ["2:4: lists and mappings lie more than 4 deep"])
        #expect(!problems(String(repeating: "[", count: 100_000)).isEmpty)
        #expect(!problems(String(repeating: "- ", count: 10_000)).isEmpty)
    }

    @Test("size is bounded")
    func size() {
        #expect(problems("abcdef", limits: YAMLLimits(bytes: 5)) == ["1:1: the file has more than 5 bytes"])
    }

    @Test("random text is refused or read, and never ends the program")
    func randomText() {
        var generator = SplitMix(state: 42)
        let pieces = Array("abc: - [ ] { } , & * ! | > ' \" # % @ ` \n \t ? << ~ 0 \u{0} é \\ x\r".unicodeScalars)
        for _ in 0..<3000 {
            var text = ""
            for _ in 0..<Int(generator.next() % 60) {
                text.unicodeScalars.append(pieces[Int(generator.next() % UInt64(pieces.count))])
            }
            let (root, problems) = YAMLParser.parse(text)
            #expect(root != nil || !problems.isEmpty)
        }
    }
}

/// A seeded generator.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
        return bits ^ bits >> 31
    }
}
