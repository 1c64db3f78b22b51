import Digests
import Glibc
import Testing

@Suite("Ends of certificates")
struct CertificateEndTests {
    private static let sooner = """
        -----BEGIN CERTIFICATE-----
        MIIBcjCCARegAwIBAgIUKtfWrYxkr40ddNGjZLw1leQtPxkwCgYIKoZIzj0EAwIw
        DjEMMAoGA1UEAwwDYzEwMB4XDTI2MTEyNDE2MDYyN1oXDTI2MTIwNDE2MDYyN1ow
        DjEMMAoGA1UEAwwDYzEwMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE/fWoEkw5
        VoD70evIzr+aibEWK8Cqn5ZYDQ2O1E02sORqB474UyhYMTTbO3RVmi589TUDQKbt
        hbjalDcTIjg9d6NTMFEwHQYDVR0OBBYEFNeOC4hqCZyZymQFGONrOUr+QHUIMB8G
        A1UdIwQYMBaAFNeOC4hqCZyZymQFGONrOUr+QHUIMA8GA1UdEwEB/wQFMAMBAf8w
        CgYIKoZIzj0EAwIDSQAwRgIhAJeAna0gESPHwAdxuc2FdT85ACk3nrT+jmzluCNK
        1aNXAiEA1DRG69+/VOYHhoo7ZncfXd2mFoK1nftQw2X3RBGYD7s=
        -----END CERTIFICATE-----

        """
    private static let later = """
        -----BEGIN CERTIFICATE-----
        MIIBcTCCARegAwIBAgIUSH4qUkx27cGEUs+t8tdSulKneuwwCgYIKoZIzj0EAwIw
        DjEMMAoGA1UEAwwDYzIwMB4XDTI2MTEyNDE2MDYyN1oXDTI2MTIxNDE2MDYyN1ow
        DjEMMAoGA1UEAwwDYzIwMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAELjz2q0WN
        rWRWPFVfmpKTiaWfUespWMhPAP1ZqfR0yyD4G0hYUlNc7HLOCJuzuP6xz8XyBbUM
        6qo9jzluZTs+5qNTMFEwHQYDVR0OBBYEFHu9IBQWIIKOwTZ6UE564t1frBCfMB8G
        A1UdIwQYMBaAFHu9IBQWIIKOwTZ6UE564t1frBCfMA8GA1UdEwEB/wQFMAMBAf8w
        CgYIKoZIzj0EAwIDSAAwRQIhAMaFYvdYBP8/50sSReCf0vl6FaCfhBv5OuipQXxe
        d4RCAiBMbkRY1SHMwy5o4MS0jWWAVvK0f3yF9eGHhAm7uRooMg==
        -----END CERTIFICATE-----

        """
    private static let soonerEnd: Int64 = 1_796_400_387
    private static let laterEnd: Int64 = 1_797_264_387

    private func earliest(in text: String) throws -> Int64? {
        var path = Array("/tmp/certificates-XXXXXX".utf8CString)
        let descriptor = mkstemp(&path)
        try #require(descriptor >= 0)
        let name = String(decoding: path.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { unlink(name) }
        let bytes = Array(text.utf8)
        #expect(write(descriptor, bytes, bytes.count) == bytes.count)
        close(descriptor)
        return CertificateEnd.earliest(inFile: name)
    }

    @Test("of several certificates the first end counts")
    func several() throws {
        #expect(try earliest(in: Self.later) == Self.laterEnd)
        #expect(try earliest(in: Self.later + Self.sooner) == Self.soonerEnd)
    }

    @Test("a collection of authorities has no end of its own")
    func collection() throws {
        #expect(try earliest(in: String(repeating: Self.sooner, count: 8)) == Self.soonerEnd)
        #expect(try earliest(in: String(repeating: Self.sooner, count: 9)) == nil)
    }

    @Test(
        "what holds no certificate, or isn't there, has no end",
        arguments: ["", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
    func none(text: String) throws {
        #expect(try earliest(in: text) == nil)
        #expect(CertificateEnd.earliest(inFile: "/nowhere/certificate.pem") == nil)
    }
}
