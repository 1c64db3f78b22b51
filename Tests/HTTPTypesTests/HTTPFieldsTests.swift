import HTTPTypes
import Testing

@Suite("Fields")
struct HTTPFieldsTests {
    @Test("names compare without regard to case, and keep their spelling")
    func names() {
        var fields: HTTPFields = ["X-One": "1", "content-type": "a/b"]
        #expect(fields[.contentType] == "a/b")
        #expect(fields["x-ONE"] == "1")
        #expect(fields["X-On"] == nil)
        fields.append("x-one", "2")
        #expect(fields.values("X-One") == ["1", "2"])
        #expect(fields.map(\.name) == ["X-One", "content-type", "x-one"])
    }

    @Test("setting replaces all lines of the name, removing leaves the others")
    func changes() {
        var fields: HTTPFields = ["A": "1", "B": "2", "a": "3"]
        fields["a"] = "4"
        #expect(fields == ["B": "2", "a": "4"])
        fields.remove("B")
        #expect(text(fields) == "a: 4\r\n")
        fields["A"] = nil
        #expect(fields.isEmpty)
        fields.append(.contentLength, 1_234_567_890_123)
        #expect(text(fields) == "Content-Length: 1234567890123\r\n")
    }

    @Test("a value can't add a line")
    func injection() {
        var fields = HTTPFields()
        fields.append("A", "x\r\nSet-Cookie: y\0")
        #expect(text(fields) == "A: x  Set-Cookie: y \r\n")
        #expect(HTTPField.Name(String("a b")) == nil)
        #expect(HTTPField.Name(String("a:")) == nil)
    }

    @Test("a proxy can leave out lines while writing")
    func filter() {
        let fields: HTTPFields = ["Keep": "1", "Drop": "2"]
        var bytes: [UInt8] = []
        fields.write(to: &bytes) { String(decoding: $0, as: UTF8.self) != "Drop" }
        #expect(String(decoding: bytes, as: UTF8.self) == "Keep: 1\r\n")
    }

    @Test("a proxy can pick the lines that it knows, and add its own")
    func only() {
        var fields: HTTPFields = ["ETag": "1", "Server": "x", "etag": "2", "Date": ""]
        fields.remove("Date")
        var picked = fields.only { ASCII.spells($0, "etag") }
        #expect(text(picked) == "ETag: 1\r\netag: 2\r\n")
        picked.append("Via", "y")
        #expect(text(picked) == "ETag: 1\r\netag: 2\r\nVia: y\r\n")
        #expect(picked.values("etag") == ["1", "2"])
        #expect(picked["via"] == "y")
        #expect(fields.containsName { ASCII.spells($0, "server") })
        #expect(!picked.containsName { ASCII.spells($0, "server") })
        #expect(fields.only { _ in false }.isEmpty)
    }

    @Test("a word is found in a list over several lines")
    func lists() {
        var fields: HTTPFields = ["Connection": "TE, Keep-Alive"]
        fields.append(.connection, "x")
        #expect(fields.listContains(.connection, "keep-alive"))
        #expect(fields.listContains(.connection, "X"))
        #expect(!fields.listContains(.connection, "close"))
    }

    private func text(_ fields: HTTPFields) -> String {
        var bytes: [UInt8] = []
        fields.write(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}
