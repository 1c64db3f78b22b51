import NodeODM
import Testing

@Suite("JSON")
struct JSONValueTests {
    @Test(
        "texts are read as what they say",
        arguments: [
            ("null", JSONValue.null), (" [ ] ", .array([])), ("{}", .object([])), ("true", .bool(true)),
            ("-0", .integer(0)), ("12", .integer(12)), ("-9223372036854775808", .integer(.min)),
            ("9223372036854775808", .double(9_223_372_036_854_775_808)), ("1.50", .double(1.5)),
            ("1e3", .double(1000)), ("5.0", .double(5)),
            (#""a\"\\\/\b\f\n\r\t\u00e4""#, .string("a\"\\/\u{8}\u{C}\n\r\tä")),
            (#""\ud83d\ude80""#, .string("🚀")), (#""\ud83d""#, .string("\u{FFFD}")),
            (#""\ud83dx""#, .string("\u{FFFD}x")), (#""\ud83d\u0041""#, .string("\u{FFFD}A")),
            (#""\ude80""#, .string("\u{FFFD}")), (#"[1,"é",null]"#, .array([.integer(1), .string("é"), .null])),
        ])
    func reads(text: String, value: JSONValue) throws {
        #expect(try JSONValue(parsing: text) == value)
    }

    @Test(
        "what isn't JSON is an error with its place, never a crash",
        arguments: [
            "", " ", "not json", "{", "[", "[1,]", "{\"a\"}", "{\"a\":}", "{a:1}", "\"", "\"\\", "\"\\u12", "\"\\x\"",
            "01",
            "1.", ".5", "-", "+1", "1e", "tru", "nullx", "[1] 2", "\"\n\"", "NaN", "Infinity", "'a'", "\u{FEFF}1", "]",
        ])
    func refuses(text: String) {
        #expect(throws: JSONParseError.self) { try JSONValue(parsing: text) }
    }

    @Test("a text that is nested a million deep is refused")
    func deep() {
        let text = String(repeating: "[", count: 1_000_000)
        #expect { try JSONValue(parsing: text) } throws: { ($0 as? JSONParseError)?.code == .tooDeep }
    }

    @Test("every short text of hostile bytes is answered, by a value or an error")
    func hostileBytes() {
        let alphabet: [UInt8] = [0x7B, 0x22, 0x5C, 0x75, 0x64, 0x38, 0x2D, 0x65, 0x5B, 0x2C, 0xFF, 0x00]
        for first in alphabet {
            for second in alphabet {
                for third in alphabet {
                    for fourth in alphabet { _ = try? JSONValue(parsing: [first, second, third, fourth]) }
                }
            }
        }
    }

    @Test("of equal names the last one counts, as in JavaScript")
    func lastNameWins() throws {
        #expect(try JSONValue(parsing: #"{"a":1,"a":2}"#)["a"] == .integer(2))
    }

    @Test("invalid UTF-8 inside a text becomes the replacement character")
    func invalidUTF8() throws {
        #expect(try JSONValue(parsing: [0x22, 0x61, 0xFF, 0x22]) == .string("a\u{FFFD}"))
    }

    @Test("what the writer writes, the parser reads")
    func roundTrip() throws {
        let text = #"{"name":"a\"\\\n\u0001 é🚀","list":[1,-2,0.5,93,true,false,null,[],{}],"big":12345678901}"#
        let value = try JSONValue(parsing: text)
        var writer = JSONWriter()
        writer.value(value)
        #expect(String(decoding: writer.bytes, as: UTF8.self) == text)
        #expect(try JSONValue(parsing: writer.bytes) == value)
    }

    @Test("numbers are written as JavaScript writes them, and what isn't a number as null")
    func numbers() {
        var writer = JSONWriter()
        writer.beginArray()
        for number in [93.0, 0.25, -1, 1e300, .nan, .infinity] { writer.double(number) }
        writer.endArray()
        #expect(String(decoding: writer.bytes, as: UTF8.self) == "[93,0.25,-1,1e+300,null,null]")
    }
}
