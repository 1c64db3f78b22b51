import Digests
import Testing

@Suite("Digests agree with published vectors")
struct DigestVectorTests {
    @Test(
        "SHA-256 of NIST's examples (FIPS 180-4)",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
        ])
    func sha256(text: String, expected: String) {
        #expect(SHA256.digest(of: text).hexadecimal == expected)
        #expect(SHA256Digest(hexadecimal: expected.uppercased()) == SHA256.digest(of: text))
    }

    @Test("SHA-256 of a million letters a, in pieces of any size")
    func millionInPieces() {
        let letters = [UInt8](repeating: 0x61, count: 1_000_000)
        for piece in [1_000_000, 4_096, 333] {
            var hash = SHA256()
            var position = 0
            while position < letters.count {
                let end = min(position + piece, letters.count)
                hash.update(Array(letters[position..<end]))
                position = end
            }
            let expected = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
            #expect(hash.finish().hexadecimal == expected)
        }
    }

    @Test("after finish the next stream starts with nothing of the last")
    func restarts() {
        var hash = SHA256()
        hash.update(Array("abc".utf8))
        let first = hash.finish()
        hash.update(Array("abc".utf8))
        #expect(hash.finish() == first)
        #expect(hash.finish() == SHA256.digest(of: ""))
    }

    @Test(
        "HMAC-SHA-256 of RFC 4231",
        arguments: [
            (
                [UInt8](repeating: 0x0B, count: 20), "Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
            ),
            (
                Array("Jefe".utf8), "what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
            ),
            (
                [UInt8](repeating: 0xAA, count: 131), "Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
            ),
            ([], "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"),
        ])
    func hmac(key: [UInt8], message: String, expected: String) {
        #expect(HMACSHA256.code(of: message, key: key).hexadecimal == expected)
    }

    @Test("CRC-32 of its check value, whole and in pieces")
    func crc() {
        #expect(CRC32.value(of: Array("123456789".utf8)) == 0xCBF4_3926)
        var checksum = CRC32()
        for byte in "123456789".utf8 { checksum.update([byte]) }
        #expect(checksum.value == 0xCBF4_3926)
        #expect(CRC32.value(of: []) == 0)
    }
}
