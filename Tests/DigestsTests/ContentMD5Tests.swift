import Digests
import Testing

@Suite("What Content-MD5 is made of")
struct ContentMD5Tests {
    @Test(
        "MD5 of RFC 1321's examples",
        arguments: [
            ("", "d41d8cd98f00b204e9800998ecf8427e"), ("abc", "900150983cd24fb0d6963f7d28e17f72"),
            (
                "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
                "57edf4a22be3c955ac49da2e2107b67a"
            ),
        ])
    func md5(text: String, expected: String) {
        #expect(MD5.digest(of: Array(text.utf8)).map { Hexadecimal.encode($0) } == expected)
    }

    @Test(
        "Base64 of RFC 4648's examples",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"), ("\u{3F}\u{3E}~\u{7F}", "Pz5+fw=="),
        ])
    func base64(text: String, expected: String) {
        #expect(Base64.encode(Array(text.utf8)) == expected)
    }
}
