import Digests
import Testing

@Suite("Secrets and their spelling")
struct SecretTests {
    @Test("a comparison is true for equal bytes only, whatever the length")
    func compare() {
        #expect(ConstantTime.equal("secret", "secret"))
        #expect(!ConstantTime.equal("secret", "secreT"))
        #expect(!ConstantTime.equal("secret", "secret2"))
        #expect(!ConstantTime.equal("", "x"))
        #expect(ConstantTime.equal("", ""))
    }

    @Test("random bytes have the length that was asked for and don't repeat")
    func random() {
        #expect(RandomBytes.make(0).isEmpty)
        #expect(RandomBytes.make(33).count == 33)
        #expect(RandomBytes.hexadecimal(bytes: 16).utf8.count == 32)
        #expect(Set((0..<100).map { _ in RandomBytes.hexadecimal(bytes: 16) }).count == 100)
    }

    @Test("hexadecimal goes both ways and refuses what it isn't")
    func hexadecimal() {
        let bytes = (0...255).map { UInt8($0) }
        #expect(Hexadecimal.decode(Hexadecimal.encode(bytes)) == bytes)
        #expect(Hexadecimal.decode("AbcD") == [0xAB, 0xCD])
        for wrong in ["a", "0g", "é0", "0x", " 0"] { #expect(Hexadecimal.decode(wrong) == nil) }
        #expect(SHA256Digest(hexadecimal: "00") == nil)
        #expect(SHA256Digest(bytes: [1, 2]) == nil)
    }
}
