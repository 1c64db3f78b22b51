import Configuration
import Model
import Testing

@Suite("Units and addresses")
struct ValueTests {
    @Test(
        "durations",
        arguments: [
            ("500ms", 500), ("5s", 5000), ("10m", 600_000), ("48h", 172_800_000), ("30d", 2_592_000_000),
            ("1h30m", 5_400_000),
            ("36500d", 3_153_600_000_000),
        ] as [(String, Int64)])
    func durations(text: String, milliseconds: Int64) throws {
        let inventory = try load("limits: {idle: \(text)}\nbackends:\n").inventory
        #expect(inventory.limits.idle == .milliseconds(milliseconds))
    }

    @Test(
        "what isn't a duration",
        arguments: [
            "5", "s", "5 s", "-5s", "5S", "1.5h", "30m1h", "5sx", "5s5", "0s", "99999999999999999999s", "36501d",
            "9223372036854775807d",
        ])
    func notDurations(text: String) { #expect(problems("limits: {idle: \(text)}\nbackends:\n").count == 1) }

    @Test(
        "sizes",
        arguments: [
            ("1B", 1), ("64KiB", 65_536), ("48MiB", 50_331_648), ("1GiB", 1_073_741_824), ("2TiB", 2_199_023_255_552),
        ] as [(String, Int64)])
    func sizes(text: String, bytes: Int64) throws {
        #expect(try load("limits: {upload_file: \(text)}\nbackends:\n").inventory.limits.uploadFile.bytes == bytes)
    }

    @Test(
        "what isn't a size",
        arguments: ["5", "0B", "64KB", "64k", "1.5GiB", "-1B", "B", "9999999999TiB", "99999999999999999999B"])
    func notSizes(text: String) { #expect(problems("limits: {upload_file: \(text)}\nbackends:\n").count == 1) }

    @Test(
        "addresses to listen on",
        arguments: [
            ("127.0.0.1:1", "127.0.0.1", 1, true), ("[::1]:65535", "::1", 65535, true),
            ("localhost:0", "localhost", 0, true),
            ("127.8.9.10:80", "127.8.9.10", 80, true), ("0.0.0.0:80", "0.0.0.0", 80, false),
            ("[::]:80", "::", 80, false),
            ("gateway.example.org:80", "gateway.example.org", 80, false),
            ("[::ffff:127.0.0.1]:80", "::ffff:127.0.0.1", 80, true),
        ] as [(String, String, UInt16, Bool)])
    func addresses(text: String, host: String, port: UInt16, isLoopback: Bool) throws {
        let address = try #require(ListenAddress(text))
        #expect(address.host == host)
        #expect(address.port == port)
        #expect(address.isLoopback == isLoopback)
        #expect(address.description == text)
    }

    @Test(
        "what isn't an address",
        arguments: [
            "", "a", ":80", "a:", "a:b", "a:-1", "a:65536", "a:000001", "::1:80", "[::1]", "[a]:80", "[::1:80", "a b:1",
            "a/b:1", "a:1:2", "[::1]80", ".a:1",
        ])
    func notAddresses(text: String) { #expect(ListenAddress(text) == nil) }

    @Test(
        "URLs",
        arguments: [
            ("http://node1.example.org:3000", false, "node1.example.org", 3000, "", "http://node1.example.org:3000"),
            ("HTTPS://Node1.Example.org/a/b/", true, "node1.example.org", 443, "/a/b", "https://node1.example.org"),
            ("http://[::1]:8080/?x=1", false, "::1", 8080, "", "http://[::1]:8080"),
            ("https://10.0.0.5:80", true, "10.0.0.5", 80, "", "https://10.0.0.5:80"),
        ] as [(String, Bool, String, UInt16, String, String)])
    func urls(text: String, isSecure: Bool, host: String, port: UInt16, path: String, origin: String) throws {
        let url = try #require(HTTPURL(text))
        #expect(url.isSecure == isSecure)
        #expect(url.host == host)
        #expect(url.port == port)
        #expect(url.path == path)
        #expect(url.origin == origin)
        #expect(url.description == text)
    }

    @Test("a URL's query is kept apart")
    func queries() {
        #expect(HTTPURL("http://a/b?x=1?y")?.query == "x=1?y")
        #expect(HTTPURL("http://a?x")?.query == "x")
        #expect(HTTPURL("http://a/b")?.query == nil)
    }

    @Test(
        "what isn't a URL",
        arguments: [
            "", "node1:3000", "ftp://a", "http://", "http:///a", "http://u@a", "http://u:p@a/", "http://a#f",
            "http://a b", "http://a\n",
            "http://a:0", "http://a:99999", "http://é", "http://[::1", "http:/a", "http://a/\u{7F}", "http://a/\"",
        ])
    func notURLs(text: String) { #expect(HTTPURL(text) == nil) }

    @Test(
        "networks",
        arguments: [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"), ("192.168.1.64/26", "192.168.1.127", "192.168.1.128"),
            ("10.0.0.5", "10.0.0.5", "10.0.0.6"), ("0.0.0.0/0", "8.8.8.8", "::1"), ("fd00::/8", "fdff::1", "fe00::1"),
            ("::1/128", "::1", "::2"),
        ])
    func networks(text: String, inside: String, outside: String) throws {
        let network = try #require(Network(text))
        #expect(network.contains(inside))
        #expect(!network.contains(outside))
        #expect(!network.contains("x"))
    }

    @Test(
        "what isn't a network",
        arguments: [
            "", "a", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.1/8", "10.0/8", "::/129", "10.0.0.0/8/8", "/8",
        ])
    func notNetworks(text: String) { #expect(Network(text) == nil) }

    @Test("null where it means something")
    func nulls() throws {
        let text =
            "public_address: ~\nlimits: {images: null}\nbackends:\n  - {name: a, url: \"http://a\", dead_after: null}\n"
        let inventory = try load(text).inventory
        #expect(inventory.limits.images == nil)
        guard case .nodeodm(let settings)? = inventory.backends.first?.settings else {
            Issue.record("not a NodeODM node")
            return
        }
        #expect(settings.deadAfter == nil)
    }
}
