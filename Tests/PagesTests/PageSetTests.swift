import Digests
import HTTPTypes
import Pages
import TestSupport
import Testing

@Suite("Pages inside the program")
struct PageSetTests {
    struct Page: CustomTestStringConvertible, Sendable {
        let folder: String
        let set: PageSet
        var testDescription: String { folder }

        static let all = [Page(folder: "front", set: .front), Page(folder: "dashboard", set: .dashboard)]

        /// Where its files lie, and those that both pages have.
        var places: [String] {
            let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
            return ["\(root)/Sources/CPages/\(folder)", "\(root)/Sources/CPages/shared"]
        }
    }

    private func answer(
        _ page: Page, _ name: String, _ fields: HTTPFields = [:]
    ) throws -> (head: HTTPResponse, body: [UInt8]) {
        try #require(page.set.answer(to: HTTPRequest(.get, "/ui/\(name)", fields: fields), name))
    }

    @Test("each file of a page's folder is in the program, byte for byte, and nothing else is", arguments: Page.all)
    func complete(page: Page) {
        #expect(page.set.names.contains(PageSet.index))
        #expect(page.set.names == page.places.flatMap { ScratchFolder.names(in: $0) }.sorted())
        for place in page.places {
            for name in ScratchFolder.names(in: place) {
                #expect(page.set[name]?.bytes == ScratchFolder.content(of: "\(place)/\(name)"), "\(name)")
            }
        }
    }

    @Test("each file says what it is, so that a browser which must not guess takes it", arguments: Page.all)
    func types(page: Page) throws {
        for name in page.set.names {
            let head = try answer(page, name).head
            #expect(head.fields[.contentType] != "application/octet-stream", "\(name)")
            #expect(head.fields[.xContentTypeOptions] == "nosniff")
        }
    }

    @Test("a file is confirmed with 304 to who has it, and sent to who has another")
    func entityTags() throws {
        let page = Page.all[0]
        let (head, body) = try answer(page, PageSet.index)
        let etag = try #require(head.fields[.etag])
        #expect(etag == "\"\(SHA256.digest(of: body).hexadecimal)\"")
        #expect(head.status == .ok && head.fields[.cacheControl] == "no-cache")
        for known in [etag, "\"other\", \(etag)", "W/\(etag)", "*"] {
            let (head, body) = try answer(page, PageSet.index, [.ifNoneMatch: known])
            #expect(head.status == .notModified && head.fields[.etag] == etag && body.isEmpty, "\(known)")
        }
        for other in ["\"other\"", "", String(etag.dropLast(2)) + "\""] {
            #expect(try answer(page, PageSet.index, [.ifNoneMatch: other]).head.status == .ok, "\(other)")
        }
    }

    @Test("a page loads nothing from elsewhere, is in nobody's frame, and tells nobody its address")
    func protection() throws {
        for page in Page.all {
            let fields = try answer(page, PageSet.index).head.fields
            #expect(fields["Content-Security-Policy"] == "default-src 'self'; frame-ancestors 'none'")
            #expect(fields["Referrer-Policy"] == "no-referrer")
        }
    }

    @Test(
        "names that lead out of the folder are no files",
        arguments: ["", ".", "..", "../CPages.h", "index.html\0", "/"])
    func noFile(name: String) {
        #expect(PageSet.front.answer(to: HTTPRequest(.get, "/ui/x"), name) == nil)
    }

    @Test("browsers that show pages want one, programs don't")
    func wanted() {
        func isWanted(_ accept: String?) -> Bool {
            PageSet.isWanted(by: HTTPRequest(.get, "/", fields: accept.map { [.accept: $0] } ?? [:]))
        }
        #expect(isWanted("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"))
        #expect(isWanted("application/json, Text/HTML;q=0.5"))
        for program in [nil, "*/*", "application/json", "text/plain", "", "text/html2"] { #expect(!isWanted(program)) }
    }
}
