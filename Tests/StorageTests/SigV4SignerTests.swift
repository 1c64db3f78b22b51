import FoundationEssentials
import Glibc
import TestSupport
import Testing

@testable import Storage

@Suite("Signature Version 4")
struct SigV4SignerTests {
    /// Of AWS's published suite of test requests.
    struct Published: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var method = "GET"
        var path = "/"
        var query: [(name: String, value: String)] = []
        var fields: [(name: String, value: String)] = []
        var signature: String

        static let all = [
            Published(
                testDescription: "get-vanilla",
                signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            Published(
                testDescription: "get-vanilla-query", query: [("Param1", "value1")],
                signature: "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"),
            Published(
                testDescription: "get-vanilla-query-order-key-case",
                query: [("Param2", "value2"), ("Param1", "value1")],
                signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
            Published(
                testDescription: "get-unreserved",
                path: "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
                signature: "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"),
            Published(
                testDescription: "get-header-value-trim",
                fields: [("My-Header1", " value1"), ("My-Header2", " \"a   b   c\"")],
                signature: "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"),
            Published(
                testDescription: "post-vanilla", method: "POST",
                signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
            Published(
                testDescription: "post-header-key-sort", method: "POST", fields: [("My-Header1", "value1")],
                signature: "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"),
        ]
    }

    @Test("gives AWS's published signatures", arguments: Published.all)
    func published(vector: Published) {
        let signer = SigV4Signer(
            credentials: S3Credentials(
                accessKeyID: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            region: "us-east-1", service: "service")
        let stamp = "20150830T123600Z"
        let request = SigV4Signer.Request(
            method: vector.method, path: vector.path, query: vector.query,
            fields: vector.fields + [("X-Amz-Date", stamp), ("Host", "example.amazonaws.com")],
            payloadHash: SigV4Signer.emptyPayload)
        let authorization = signer.authorization(for: request, stamp: stamp)
        #expect(authorization.hasSuffix("Signature=" + vector.signature))
        let scope = "AKIDEXAMPLE/20150830/us-east-1/service/aws4_request"
        #expect(authorization.hasPrefix("AWS4-HMAC-SHA256 Credential=\(scope), SignedHeaders=host;"))
    }

    private static let example = SigV4Signer(
        credentials: S3Credentials(
            accessKeyID: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        region: "us-east-1")
    private static let host = (name: "Host", value: "examplebucket.s3.amazonaws.com")
    private static let stamp = "20130524T000000Z"

    private func exampleSignature(
        _ method: String, _ path: String, query: [(name: String, value: String)] = [],
        fields: [(name: String, value: String)] = [], hash: String = SigV4Signer.emptyPayload
    ) -> String {
        let request = SigV4Signer.Request(
            method: method, path: path, query: query,
            fields: fields + [Self.host, ("x-amz-date", Self.stamp), ("x-amz-content-sha256", hash)], payloadHash: hash)
        return String(Self.example.authorization(for: request, stamp: Self.stamp).suffix(64))
    }

    @Test("gives the signatures of the S3 documentation's examples")
    func documentation() {
        #expect(
            exampleSignature("GET", "/test.txt", fields: [("Range", "bytes=0-9")])
                == "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")
        #expect(
            exampleSignature(
                "PUT", "/test%24file.text",
                fields: [("Date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")],
                hash: "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072")
                == "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd")
        #expect(
            exampleSignature("GET", "/", query: [("lifecycle", "")])
                == "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543")
        #expect(
            exampleSignature("GET", "/", query: [("max-keys", "2"), ("prefix", "J")])
                == "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")
    }

    @Test("gives the S3 documentation's pre-signed URL")
    func presigned() {
        let request = SigV4Signer.Request(
            method: "GET", path: "/test.txt", fields: [Self.host], payloadHash: SigV4Signer.unsignedPayload)
        #expect(
            Self.example.presignedQuery(for: request, stamp: Self.stamp, seconds: 86_400)
                == "X-Amz-Algorithm=AWS4-HMAC-SHA256"
                + "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
                + "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
                + "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")
    }

    /// A request that botocore signed; see Tests/Fixtures/make_sigv4.py.
    struct Signed: Decodable {
        var accessKeyID, secretAccessKey, region, stamp, method, path, payloadHash, signature: String
        var sessionToken: String?
        var query, fields: [[String]]
        var seconds: Int64?

        static func all() throws -> [Signed] {
            let folder = "/" + #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
            let content = ScratchFolder.content(of: folder + "/Fixtures/sigv4-botocore.json") ?? []
            return try JSONDecoder().decode([Signed].self, from: Data(content))
        }
    }

    @Test("signs as botocore does, whatever is in keys, queries and tokens")
    func botocore() throws {
        let all = try Signed.all()
        #expect(all.count == 80)
        for signed in all {
            let signer = SigV4Signer(
                credentials: S3Credentials(
                    accessKeyID: signed.accessKeyID, secretAccessKey: signed.secretAccessKey,
                    sessionToken: signed.sessionToken),
                region: signed.region)
            let request = SigV4Signer.Request(
                method: signed.method, path: signed.path, query: signed.query.map { ($0[0], $0[1]) },
                fields: signed.fields.map { ($0[0], $0[1]) }, payloadHash: signed.payloadHash)
            let text =
                if let seconds = signed.seconds {
                    signer.presignedQuery(for: request, stamp: signed.stamp, seconds: seconds)
                } else {
                    signer.authorization(for: request, stamp: signed.stamp)
                }
            #expect(text.hasSuffix("Signature=" + signed.signature), "\(signed.method) \(signed.path) \(signed.query)")
        }
    }

    @Test("credentials don't get into a text")
    func secrecy() {
        let text = "\(Self.example.credentials) \(String(reflecting: Self.example.credentials))"
        #expect(!text.contains("wJalr"))
        #expect(text.contains("AKIAIOSFODNN7EXAMPLE"))
    }
}
