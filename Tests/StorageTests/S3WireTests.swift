import Model
import Testing

@testable import Storage

@Suite("What S3's protocol is made of")
struct S3WireTests {
    @Test("where a bucket is, in the path or in the host's name")
    func addresses() throws {
        func address(
            _ url: String, _ bucket: String, _ key: String?, region: String = "eu-central-1", pathStyle: Bool? = nil
        ) throws -> String {
            let address = try S3Endpoint(url: url)
                .address(bucket: bucket, key: key, region: region, pathStyle: pathStyle)
            return "\(address.scheme)://\(address.authority)\(address.path)"
        }
        let aws = "https://s3.amazonaws.com"
        #expect(try address(aws, "odm", "a/b c") == "https://odm.s3.eu-central-1.amazonaws.com/a/b%20c")
        #expect(try address(aws, "odm", nil) == "https://odm.s3.eu-central-1.amazonaws.com/")
        #expect(try address(aws, "odm.eu", "k") == "https://s3.eu-central-1.amazonaws.com/odm.eu/k")
        #expect(try address(aws, "odm", "k", pathStyle: true) == "https://s3.eu-central-1.amazonaws.com/odm/k")
        #expect(
            try address("https://s3.us-west-2.amazonaws.com/", "odm", "k", region: "us-west-2")
                == "https://odm.s3.us-west-2.amazonaws.com/k")
        #expect(try address("http://10.0.0.7:9000", "odm", "k") == "http://10.0.0.7:9000/odm/k")
        #expect(try address("https://Store.Example.org:443/", "odm", nil) == "https://store.example.org/odm")
        #expect(try address("http://store.example.org:443", "odm", nil) == "http://store.example.org:443/odm")
        #expect(
            try address("https://store.example.org", "odm", "k", pathStyle: false) == "https://odm.store.example.org/k")
        #expect(try address("http://[::1]:9000", "odm", "k") == "http://[::1]:9000/odm/k")
        #expect(try address(aws, "odm", "../é/%2F+", pathStyle: true).hasSuffix("/odm/../%C3%A9/%252F%2B"))
    }

    @Test(
        "refuses what is no endpoint",
        arguments: [
            "", "s3.example.org", "ftp://host", "https://", "https://host/path", "https://host:0", "https://host:99999",
            "https://user@host", "https://ho st", "https://host?x", "http://[::1", "https://host:80:80",
        ])
    func badEndpoints(url: String) {
        #expect(throws: StorageError.self) { try S3Endpoint(url: url) }
    }

    @Test("writes and reads the dates of the protocol")
    func dates() {
        #expect(S3Time.stamp(milliseconds: 1_369_353_600_000) == "20130524T000000Z")
        #expect(S3Time.stamp(milliseconds: 951_782_399_999) == "20000228T235959Z")
        #expect(S3Time.stamp(milliseconds: 951_868_799_000) == "20000229T235959Z")
        #expect(S3Time.parseISO8601("2009-10-12T17:50:30.000Z") == 1_255_369_830_000)
        #expect(S3Time.parseISO8601("2009-10-12T17:50:30Z") == 1_255_369_830_000)
        #expect(S3Time.parseISO8601("2009-10-12T17:50:30.0456789Z") == 1_255_369_830_045)
        #expect(S3Time.parseISO8601("2009-10-12T17:50:30.5Z") == 1_255_369_830_500)
        #expect(S3Time.parseHTTPDate("Mon, 12 Oct 2009 17:50:30 GMT") == 1_255_369_830_000)
        for text in ["", "2009", "2009-13-12T17:50:30Z", "99999999999999999999-10-12T17:50:30Z", "a-b-cTd:e:fZ"] {
            #expect(S3Time.parseISO8601(text) == nil)
            #expect(S3Time.parseHTTPDate(text) == nil)
        }
        for day in stride(from: Int64(0), to: 60_000, by: 97) {
            let stamp = Array(S3Time.stamp(milliseconds: day * 86_400_000))
            let date = String(stamp[0..<4]) + "-" + String(stamp[4..<6]) + "-" + String(stamp[6..<8])
            #expect(S3Time.parseISO8601(date + "T00:00:00Z") == day * 86_400_000)
        }
    }

    @Test("reads XML, with entities and namespaces, and no other documents")
    func xml() {
        let text = "<?xml version=\"1.0\"?><x:A xmlns:x=\"u\"><B>1 &lt; 2 &#233;</B><C/><B>é</B></x:A>"
        let root = XMLReader.parse(Array(text.utf8))
        #expect(root?.name == "A")
        #expect(root?.all("B").map(\.text) == ["1 < 2 é", "é"])
        #expect(root?.text(of: "C") == "")
        #expect(root?.text(of: "D") == nil)
        for bad in [
            "", "<A>", "<A></B>", "<html><br></html>", "{}", "<!DOCTYPE A [<!ENTITY e \"x\">]><A>&e;</A>",
            String(repeating: "<A>", count: 17) + String(repeating: "</A>", count: 17),
        ] {
            #expect(XMLReader.parse(Array(bad.utf8)) == nil)
        }
        let odd = "a&b<c>d\"e\r\n\tf"
        #expect(XMLReader.parse(Array("<A>\(XMLElement.escape(odd))</A>".utf8))?.text == odd)
    }

    @Test("reads Content-Range, and no other text")
    func contentRange() throws {
        let range = try #require(S3Reader.contentRange("bytes 5-9/100"))
        #expect(range.first == 5 && range.size == 100)
        for bad in ["", "bytes", "bytes 5-9/*", "bytes 9-5/100", "bytes 5-100/100", "bytes */100", "items 5-9/100"] {
            #expect(S3Reader.contentRange(bad) == nil)
        }
    }

    @Test("tells buckets and keys from other texts")
    func names() {
        for good in ["odm", "odm-data.eu", "a_B3"] { #expect(S3Names.isBucket(good)) }
        for bad in ["", "ab", ".odm", "a..b", "a/b", "a b", "a?b", "odm#", "bü", String(repeating: "a", count: 256)] {
            #expect(!S3Names.isBucket(bad))
        }
        #expect(S3Names.isRegion("us-east-1"))
        for bad in ["", "evil.example.org", "a/b", "a:b"] { #expect(!S3Names.isRegion(bad)) }
    }

    @Test("parts double every 1,000 and end at 32 MiB, which makes 253 GiB")
    func partSizes() {
        let budget = S3BufferBudget()
        #expect(budget.partSize(1) == 5 << 20)
        #expect(budget.partSize(1000) == 5 << 20)
        #expect(budget.partSize(1001) == 10 << 20)
        #expect(budget.partSize(2001) == 20 << 20)
        #expect(budget.partSize(3001) == 32 << 20)
        #expect((1...10_000).reduce(0) { $0 + budget.partSize($1) } / (1 << 30) == 252)
        #expect(S3BufferBudget(.mebibytes(16)).partSize(9999) == 16 << 20)
    }
}
