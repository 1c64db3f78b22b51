import HTTPClient
import HTTPTypes
import Reactor
import TestSupport
import Testing

@Suite("The outbound guard")
struct OutboundGuardTests {
    private func bytes(_ ip: String) -> [UInt8] { SocketAddress(ip: ip, port: 0)?.bytes ?? [] }

    @Test(
        "addresses that are not public are refused, however they are written",
        arguments: [
            "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
            "100.64.0.1", "169.254.169.254", "224.0.0.1", "239.1.1.1", "255.255.255.255", "192.0.2.1", "198.18.0.1",
            "::1", "::", "fe80::1", "fec0::1", "fc00::1", "fd12::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
            "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001::1",
            "2001:db8::1",
            "100::1", "fd00:ec2::254", "4000::1",
        ])
    func refused(ip: String) { #expect(!OutboundGuard().permits(bytes(ip))) }

    @Test(
        "public addresses are permitted",
        arguments: [
            "1.1.1.1", "172.32.0.1", "172.15.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:1.1.1.1",
            "64:ff9b::101:101",
        ])
    func permitted(ip: String) { #expect(OutboundGuard().permits(bytes(ip))) }

    @Test("what an operator allows is permitted, and nothing beside it")
    func allowed() throws {
        let blocks = [try #require(AddressBlock("10.2.0.0/15")), try #require(AddressBlock("::1"))]
        let outboundGuard = OutboundGuard(allowing: blocks)
        #expect(outboundGuard.permits(bytes("10.3.255.1")))
        #expect(outboundGuard.permits(bytes("::ffff:10.2.0.1")))
        #expect(outboundGuard.permits(bytes("::1")))
        #expect(!outboundGuard.permits(bytes("10.4.0.1")))
        #expect(!outboundGuard.permits([]))
        for text in ["10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "x/8", "", "::/129"] {
            #expect(AddressBlock(text) == nil, "\(text)")
        }
    }

    @Test("a guarded request is refused before it connects, also by way of a redirect or an open connection")
    func guarded() async throws {
        try await ClientHarness.run { connection, _ in
            while try await connection.readRequest() != nil { try await connection.answer("ok") }
        } _: { harness in
            // A connection to the forbidden address is open and idle.
            #expect(await harness.status(OutboundRequest(.get, harness.url())) == 200)
            for host in ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"] {
                var request = OutboundRequest(.get, "http://\(host):\(harness.server.address.port)/")
                request.outboundGuard = OutboundGuard()
                let error = await harness.failure(request)
                #expect(error?.code == .refusedAddress, "\(host): \(String(describing: error))")
                #expect(error?.mayHaveArrived == false)
            }
            #expect(harness.server.connectionCount == 1)
            var request = OutboundRequest(.get, harness.url())
            request.outboundGuard = OutboundGuard(allowing: [try #require(AddressBlock("127.0.0.0/8"))])
            #expect(await harness.status(request) == 200)
        }
    }
}
