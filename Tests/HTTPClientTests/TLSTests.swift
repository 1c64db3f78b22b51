import HTTPClient
import HTTPTypes
import TestSupport
import Testing

@Suite("TLS to servers")
struct TLSTests {
    @Test("a server is trusted by the authorities and the name that the request says, or not at all")
    func trust() async throws {
        guard let server = TLSServer() else { return }
        let port = server.port
        let certificate = server.certificate
        defer { withExtendedLifetime(server) {} }
        try await ClientHarness.run { _, _ in
        } _: { harness in
            var request = OutboundRequest(.get, "https://127.0.0.1:\(port)/")
            let unknown = await harness.failure(request)
            #expect(unknown?.code == .notSent)
            request.tls.authoritiesFile = certificate
            let wrongName = await harness.failure(request)
            #expect(wrongName?.code == .notSent)
            request.tls.serverName = "node1.example.org"
            #expect(await harness.status(request) == 200)
            request.tls.serverName = "node2.example.org"
            #expect(await harness.failure(request)?.code == .notSent)
            request.tls = TLSOptions()
            request.tls.isInsecure = true
            #expect(await harness.status(request) == 200)
            // A connection that was opened without a look at the certificate must not serve who wants one.
            request.tls.isInsecure = false
            #expect(await harness.failure(request)?.code == .notSent)
        }
    }
}
