import HTTPTypes
import Testing

@Suite("Values of fields")
struct FieldValueTests {
    @Test(
        "a Range field is read as RFC 9110 says",
        arguments: [
            (nil, 10, .whole), ("bytes=0-4", 10, .range(ByteRange(first: 0, last: 4))),
            ("bytes=5-", 10, .range(ByteRange(first: 5, last: 9))),
            ("Bytes = 1-2", 10, .ignored), ("BYTES=1-2", 10, .range(ByteRange(first: 1, last: 2))),
            ("bytes=-3", 10, .range(ByteRange(first: 7, last: 9))),
            ("bytes=-30", 10, .range(ByteRange(first: 0, last: 9))),
            ("bytes=8-100", 10, .range(ByteRange(first: 8, last: 9))), ("bytes=10-", 10, .unsatisfiable),
            ("bytes=-0", 10, .unsatisfiable), ("bytes=-1", 0, .unsatisfiable), ("bytes=0-", 0, .unsatisfiable),
            ("bytes=4-2", 10, .ignored), ("bytes=0-1,3-4", 10, .ignored), ("items=0-1", 10, .ignored),
            ("bytes=", 10, .ignored), ("bytes=-", 10, .ignored), ("bytes=+1-2", 10, .ignored),
            ("bytes=99999999999999999999-", 10, .unsatisfiable),
            ("bytes=0-99999999999999999999", 10, .range(ByteRange(first: 0, last: 9))),
        ] as [(String?, Int64, ByteRange.Request)])
    func ranges(field: String?, size: Int64, expected: ByteRange.Request) {
        #expect(ByteRange.parse(field, size: size) == expected)
    }

    @Test("a media type is read with its parameters, quoted or not")
    func mediaTypes() {
        let quoted = MediaType("Multipart/Form-Data; charset=UTF-8 ;Boundary=\"a\\\"b;c\"")
        #expect(quoted?.essence == "multipart/form-data")
        #expect(quoted?.boundary == "a\"b;c")
        #expect(quoted?.charset == "UTF-8")
        #expect(MediaType("multipart/form-data; boundary=----WebKit/x")?.boundary == "----WebKit/x")
        #expect(MediaType("multipart/form-data; boundary=")?.boundary == nil)
        #expect(MediaType("multipart/form-data; boundary=\"x")?.boundary == nil)
        #expect(MediaType("text") == nil)
        #expect(MediaType("/x") == nil)
    }

    @Test(
        "a file's name is read in all the ways that clients write it",
        arguments: [
            ("form-data; name=\"images\"; filename=\"a b.jpg\"", "a b.jpg"),
            ("form-data; name=images; filename=a.jpg", "a.jpg"),
            ("form-data; name=\"i\"; filename=\"q\\\"uote.jpg\"", "q\"uote.jpg"),
            ("form-data; name=\"i\"; filename=\"C:\\photos\\a.jpg\"", "C:\\photos\\a.jpg"),
            ("form-data; name=\"i\"; filename=\"x.jpg\"; filename*=UTF-8''%C3%BC%20b.jpg", "ü b.jpg"),
            ("form-data; name=\"i\"; filename*=iso-8859-1'de'%FC.jpg", "ü.jpg"),
            ("form-data; name=\"i\"; filename*=UTF-8''%FF.jpg; filename=\"fallback.jpg\"", "fallback.jpg"),
            ("form-data; name=\"i\"; filename=\"ünï.jpg\"", "ünï.jpg"),
            ("form-data; name=\"i\"; filename=\"\"", ""),
        ])
    func filenames(field: String, expected: String) {
        #expect(ContentDisposition(field)?.filename == expected)
        #expect(ContentDisposition(field)?.name != nil)
    }

    @Test("percent-encoding goes both ways and is checked")
    func percentEncoding() {
        #expect(PercentEncoding.decode("a%20b%2F") == "a b/")
        #expect(PercentEncoding.decode("a+b") == "a+b")
        #expect(PercentEncoding.decode("a+b", plusIsBlank: true) == "a b")
        #expect(PercentEncoding.decode("%") == nil)
        #expect(PercentEncoding.decode("%4") == nil)
        #expect(PercentEncoding.decode("%g0") == nil)
        #expect(PercentEncoding.decode("%ff") == nil)
        #expect(PercentEncoding.decodeBytes("%ff%00".utf8) == [255, 0])
        #expect(PercentEncoding.encode("a b/ü~") == "a%20b%2F%C3%BC~")
        #expect(PercentEncoding.encode("a/b", keeping: "/") == "a/b")
        let items = [FormURLEncoded.Item(name: "a b", value: "&="), .init(name: "ü", value: "")]
        #expect(FormURLEncoded.parse(Array(FormURLEncoded.encode(items).utf8)) == items)
        #expect(FormURLEncoded.parse(Array(String(repeating: "a&", count: 50).utf8), limit: 3).count == 3)
    }

    @Test(
        "dates are written as HTTP wants them",
        arguments: [
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (1_709_208_000, "Thu, 29 Feb 2024 12:00:00 GMT"), (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
        ] as [(Int64, String)])
    func dates(seconds: Int64, expected: String) {
        #expect(HTTPDate.format(unixSeconds: seconds) == expected)
    }
}
