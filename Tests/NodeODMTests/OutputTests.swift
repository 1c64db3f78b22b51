import NodeODM
import Testing

@Suite("Console output")
struct OutputTests {
    @Test(
        "item 57: with_output and line follow JavaScript's slice",
        arguments: [
            (nil, 0..<0), ("0", 0..<10), ("5", 5..<10), ("-3", 7..<10), ("9999", 10..<10), ("", 0..<10),
            ("abc", 0..<10),
            ("1.5", 1..<10), ("-0", 0..<10), ("-9999", 0..<10), ("1e1", 10..<10), ("99999999999999999999999", 10..<10),
            ("-99999999999999999999999", 0..<10), (" 4 ", 4..<10), ("-2.9", 8..<10), ("5abc", 0..<10), ("nan", 0..<10),
            ("Infinity", 10..<10), ("-Infinity", 0..<10), ("1e999", 10..<10), ("e", 0..<10), ("-", 0..<10),
        ])
    func window(query: String?, range: Range<Int>) {
        #expect(OutputWindow(query: query).range(of: 10) == range)
    }

    @Test(
        "item 58: lines are cleaned, one by one",
        arguments: [
            ("plain ä 🚀", "plain ä 🚀"), ("\u{1B}[31;1mred\u{1B}[0m", "red"), ("\u{1B}]0;title\u{7}x", "x"),
            ("\u{1B}]8;;http://a\u{1B}\\link", "link"), ("\u{1B}(Bx", "x"), ("\u{9B}31mx", "x"), ("a\u{1B}", "a"),
            ("10%\r20%\r\n", "10% 20%"), ("a\nb", "a b"), ("Compressing\n", "Compressing"),
            ("a\0b\u{1}\u{7F}c\td", "abc\td"),
            ("error", "error "), ("\u{1B}[1merror\u{1B}[0m\r\n", "error "), ("error ", "error "),
            ("an error", "an error"),
            ("", ""), ("\r", ""), ("\u{85}x", "x"),
        ])
    func clean(line: String, expected: String) {
        #expect(OutputCleaner.clean(line) == expected)
        #expect(OutputCleaner.clean(Array(line.utf8)) == expected)
    }

    @Test("item 58: invalid UTF-8 becomes the replacement character, and a line of 1 MB is cut at a whole character")
    func cut() {
        #expect(OutputCleaner.clean([0x61, 0xFF, 0x62] as [UInt8]) == "a\u{FFFD}b")
        let cut = OutputCleaner.clean(String(repeating: "€", count: 350_000))
        #expect(cut.hasSuffix("€…") && !cut.unicodeScalars.contains("\u{FFFD}"))
        #expect(cut.utf8.count <= OutputCleaner.maximumLineBytes + 3)
    }

    @Test("an element that isn't a text keeps its place")
    func places() throws {
        let json = try JSONValue(parsing: #"["a",null,5,"b"]"#)
        #expect(OutputCleaner.lines(from: json) == ["a", "", "", "b"])
        #expect(OutputCleaner.lines(from: .null) == nil)
    }
}

@Suite("Names and paths from clients")
struct NameTests {
    @Test(
        "item 36: file names lose folders and tricks, and keep their extension",
        arguments: [
            ("DJI_0001.JPG", "DJI_0001.JPG"), ("../../x.jpg", "x.jpg"), (#"C:\a\b.jpg"#, "b.jpg"),
            ("body.json", "_body.json"),
            ("a/body.json", "_body.json"), (nil, "unnamed"), ("", "unnamed"), ("a/", "unnamed"), ("..", "unnamed"),
            (".", "unnamed"), ("a\0b\n.jpg", "ab.jpg"), ("ümlaut 🚀.jpg", "ümlaut 🚀.jpg"), (" x.jpg ", "x.jpg"),
            (".hidden", ".hidden"), ("a\u{202E}gpj.exe", "agpj.exe"),
        ])
    func fileNames(name: String?, kept: String) {
        #expect(SafeFileName(name).string == kept)
    }

    @Test("item 36: 300 characters are clipped, the extension stays")
    func longNames() {
        let ascii = SafeFileName(String(repeating: "a", count: 300) + ".JPEG").string
        #expect(ascii.utf8.count == SafeFileName.maximumBytes && ascii.hasSuffix("a.JPEG"))
        let wide = SafeFileName(String(repeating: "é", count: 300) + ".jpg").string
        #expect(wide.utf8.count <= SafeFileName.maximumBytes && wide.hasSuffix("é.jpg"))
        let combining = SafeFileName("e" + String(repeating: "\u{301}", count: 500) + ".jpg").string
        #expect(combining.utf8.count <= SafeFileName.maximumBytes && combining.hasSuffix(".jpg"))
        #expect(SafeFileName("a." + String(repeating: "b", count: 300)).string.utf8.count == SafeFileName.maximumBytes)
    }

    @Test(
        "a second file of the same name is doubled as NodeODM does",
        arguments: [("A.JPG", "A_.JPG"), ("x", "x_"), (".a", ".a_")])
    func doubled(name: String, expected: String) {
        #expect(SafeFileName(name).doubled.string == expected)
    }

    @Test("doubling a name of the greatest length gives another name")
    func doubledLong() {
        let long = SafeFileName(String(repeating: "a", count: 300) + ".jpg")
        #expect(long.doubled != long)
    }

    @Test("item 29: outputs stay inside the project")
    func outputs() {
        #expect(
            ConfinedPaths(
                json: #"["../../etc/passwd","/etc/shadow","a/../b","..","","./x//y/",5,"b","c\\..\\..\\d","e\u0000f"]"#)?
                .paths
                == ["etc/passwd", "etc/shadow", "b", "x/y", "d", "e/f"])
        #expect(ConfinedPaths(json: "[]")?.json == "[]")
        #expect(
            ConfinedPaths(json: "{}") == nil && ConfinedPaths(json: "x") == nil
                && ConfinedPaths(json: String?.none) == nil)
        #expect(ConfinedPaths(json: #"["odm_dem/dsm.tif"]"#)?.json == #"["odm_dem/dsm.tif"]"#)
    }
}
