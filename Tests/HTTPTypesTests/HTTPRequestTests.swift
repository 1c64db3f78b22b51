import HTTPTypes
import Testing

@Suite("Requests")
struct HTTPRequestTests {
    @Test(
        "a target is taken apart",
        arguments: [
            ("/", "/", nil, nil), ("/a/b?x=1?y", "/a/b", "x=1?y", nil), ("/a?", "/a", "", nil),
            ("http://h.example.org:81/p?q", "/p", "q", "h.example.org:81"), ("HTTPS://h", "/", nil, "h"),
            ("http://h?q", "/", "q", "h"), ("*", "*", nil, nil),
        ] as [(String, String, String?, String?)])
    func targets(target: String, path: String, query: String?, authority: String?) {
        let request = HTTPRequest(.get, target)
        #expect(request.target == target)
        #expect(request.path == path)
        #expect(request.query == query)
        #expect(request.authority == authority)
    }

    @Test("a query item is told by its whole name, encoded or not, and the first one counts")
    func names() {
        let request = HTTPRequest(.get, "/info?tok=1&tokens=2&=3&&to%6Ben=a%20b+c&token=4&empty=&bare&%zz=5")
        #expect(request.queryItem("token") == "a b c")
        #expect(request.queryItem("tok") == "1" && request.queryItem("tokens") == "2")
        #expect(request.queryItem("empty")?.isEmpty == true && request.queryItem("bare")?.isEmpty == true)
        #expect(request.queryItem("%zz") == "5")
        #expect(request.queryItem("oken") == nil && request.queryItem("toke") == nil)
        #expect(HTTPRequest(.get, "/info").queryItem("token") == nil)
        #expect(HTTPRequest(.get, "/info?").queryItem("token") == nil)
    }

    @Test("query items are decoded, and bad encoding stays as it is")
    func query() {
        let request = HTTPRequest(.get, "/p?token=a%2Bb+c&empty=&flag&bad=%zz&token=second&%C3%BC=%C3%A4")
        #expect(request.queryItem("token") == "a+b c")
        #expect(request.queryItem("empty") == "")
        #expect(request.queryItem("flag") == "")
        #expect(request.queryItem("bad") == "%zz")
        #expect(request.queryItem("ü") == "ä")
        #expect(request.queryItem("none") == nil)
        #expect(request.queryItems.count == 6)
    }

    @Test(
        "the first item of a name counts, however the name is written",
        arguments: [
            ("/p?tok%65n=1&token=2", "1"), ("/p?tokens=0&&token=2&token=3", "2"), ("/p?token&token=2", ""),
            ("/p?a=token&toke=1", nil), ("/p?%zz=1&token=a=b", "a=b"), ("/p?", nil), ("/p", nil),
        ] as [(String, String?)])
    func firstItem(target: String, value: String?) {
        let request = HTTPRequest(.get, target)
        #expect(request.queryItem("token") == value)
        #expect(request.queryItem("token") == request.queryItems.first { $0.name == "token" }?.value)
    }

    @Test("methods are told by their exact letters")
    func methods() {
        #expect(HTTPMethod("GET") == .get)
        #expect(HTTPMethod("get") == .other("get"))
        #expect(HTTPMethod("MKCOL").name == "MKCOL")
        for name in ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PURGE"] {
            let fromBytes = Array(name.utf8).withUnsafeBufferPointer { HTTPMethod(bytes: $0) }
            #expect(fromBytes == HTTPMethod(name))
            #expect(fromBytes.name == name)
        }
    }
}
