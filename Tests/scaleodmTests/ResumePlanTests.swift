import HTTPClient
import HTTPTypes
import Testing

@testable import scaleodm

@Suite("Resuming a download")
struct ResumePlanTests {
    private let half = ResumePlan(size: 50, validator: "\"v1\"")

    private func step(_ plan: ResumePlan, _ status: Int, _ fields: HTTPFields = [:]) -> ResumePlan.Step {
        plan.step(after: OutboundHead(status: status, fields: fields), asset: "all.zip")
    }

    @Test("a part is asked for only with what vouches for its version")
    func request() {
        #expect(half.fields[.range] == "bytes=50-")
        #expect(half.fields[.ifRange] == "\"v1\"")
        #expect(ResumePlan(size: 50).fields.isEmpty)
        #expect(ResumePlan(size: 0, validator: "\"v1\"").fields.isEmpty)
    }

    @Test("206 from where we are goes on")
    func goesOn() {
        #expect(step(half, 206, [.contentRange: "bytes 50-99/100"]) == .append(total: 100))
    }

    @Test(
        "206 that doesn't fit is never glued to what is there",
        arguments: [
            "bytes 0-99/100", "bytes 51-99/100", "bytes 50-98/100", "bytes 50-99/*", "bytes 99-50/100", "x", "",
        ])
    func misfit(range: String) {
        #expect(step(half, 206, [.contentRange: range]) == .startAgain)
    }

    @Test("206 that nobody asked for starts again")
    func unasked() {
        #expect(step(ResumePlan(), 206, [.contentRange: "bytes 0-99/100"]) == .startAgain)
        #expect(step(half, 206) == .startAgain)
    }

    @Test("200 is the whole from its start: the thing has changed, or ranges are not offered")
    func whole() {
        #expect(step(half, 200, [.contentLength: "100"]) == .begin(total: 100))
        #expect(step(half, 200) == .begin(total: nil))
    }

    @Test("416 means complete where the size agrees, and something else where not")
    func unsatisfiable() {
        #expect(step(half, 416, [.contentRange: "bytes */50"]) == .complete)
        #expect(step(half, 416, [.contentRange: "bytes */40"]) == .startAgain)
        #expect(step(half, 416) == .startAgain)
        #expect(step(ResumePlan(), 416, [.contentRange: "bytes */0"]) == .startAgain)
    }

    @Test("NodeODM's failures with status 200 are failures; a JSON asset isn't one")
    func failures() {
        #expect(step(half, 200, [.contentType: "application/json; charset=utf-8"]) == .refused(""))
        let asset = OutboundHead(
            status: 200, fields: [.contentType: "application/json", .contentDisposition: "attachment"])
        #expect(ResumePlan().step(after: asset, asset: "cameras.json") == .begin(total: nil))
        let error = OutboundHead(status: 200, fields: [.contentType: "application/json"])
        #expect(ResumePlan().step(after: error, asset: "cameras.json") == .refused(""))
    }

    @Test("trouble passes, a wrong token doesn't")
    func trouble() {
        for status in [429, 500, 502, 503, 504] { #expect(step(half, status) == .tryAgain("status \(status)")) }
        #expect(step(half, 401) == .unauthorized)
        #expect(step(half, 404) == .refused("not found"))
        #expect(step(half, 302) == .refused("status 302"))
    }

    @Test("a weak ETag vouches for nothing; a date does; without ranges nothing does")
    func validators() {
        #expect(ResumePlan.validator(in: [.acceptRanges: "bytes", .etag: "\"a\""]) == "\"a\"")
        #expect(ResumePlan.validator(in: [.acceptRanges: "bytes", .etag: "W/\"a\""]) == nil)
        let date = "Tue, 24 Nov 2026 12:00:00 GMT"
        #expect(ResumePlan.validator(in: [.acceptRanges: "bytes", .etag: "W/\"a\"", .lastModified: date]) == date)
        #expect(ResumePlan.validator(in: [.etag: "\"a\""]) == nil)
        #expect(ResumePlan.validator(in: [.acceptRanges: "none", .etag: "\"a\""]) == nil)
        #expect(ResumePlan.validator(in: [.contentRange: "bytes 1-2/3", .etag: "\"a\""]) == "\"a\"")
    }
}
