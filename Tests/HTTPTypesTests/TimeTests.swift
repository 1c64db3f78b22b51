import HTTPTypes
import Testing

@Suite("Dates and times")
struct TimeTests {
    @Test("a date and its day are the same thing, for four hundred years")
    func calendar() {
        #expect(CivilDate(daysSince1970: 0) == CivilDate(year: 1970, month: 1, day: 1))
        #expect(CivilDate(daysSince1970: -5) == CivilDate(year: 1970, month: 1, day: 1))
        #expect(CivilDate(daysSince1970: 11_016) == CivilDate(year: 2000, month: 2, day: 29))
        #expect(CivilDate(daysSince1970: 2_932_896) == CivilDate(year: 9999, month: 12, day: 31))
        var last = CivilDate(year: 1969, month: 12, day: 31)
        for day in 0..<146_097 {
            let date = CivilDate(daysSince1970: day)
            #expect(date.daysSince1970 == day)
            let isNext = date.day == 1 ? last.day >= 28 : date.day == last.day + 1 && date.month == last.month
            #expect(isNext, "\(last) → \(date)")
            last = date
        }
        #expect(last == CivilDate(year: 2369, month: 12, day: 31))
    }

    @Test(
        "a moment is written as JavaScript does",
        arguments: [
            (1_705_334_400_000 as Int64, "2024-01-15T16:00:00.000Z"), (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_868_799_007, "2000-02-29T23:59:59.007Z"), (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1970-01-01T00:00:00.000Z"), (.max, "9999-12-31T23:59:59.807Z"),
        ])
    func milliseconds(milliseconds: Int64, text: String) {
        #expect(RFC3339.text(milliseconds: milliseconds) == text)
        #expect(RFC3339.text(seconds: milliseconds / 1000) == "\(text.prefix(19))Z")
    }

    @Test("times are read as Kubernetes and container logs write them")
    func times() {
        #expect(RFC3339.nanoseconds("1970-01-01T00:00:01Z") == 1_000_000_000)
        #expect(RFC3339.nanoseconds("2026-11-24T08:00:00.123456789Z") == 1_795_507_200_123_456_789)
        #expect(RFC3339.nanoseconds("2026-11-24T09:30:00+01:30") == 1_795_507_200_000_000_000)
        #expect(RFC3339.nanoseconds("2024-02-29T00:00:00Z") == 1_709_164_800_000_000_000)
        for wrong in ["", "x", "2026-11-24 ", "2026-13-01T00:00:00Z", "2026-11-24T08:00:00", "2026-11-24T08:00:00.Q"] {
            #expect(RFC3339.nanoseconds(wrong) == nil, "\(wrong)")
        }
        for seconds: Int64 in [0, 951_782_400, 1_709_164_800, 1_795_507_200] {
            #expect(RFC3339.nanoseconds(RFC3339.text(seconds: seconds)) == seconds * 1_000_000_000)
        }
    }

    @Test("HTTP's dates are those of its specification")
    func http() {
        #expect(HTTPDate.format(unixSeconds: 784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(HTTPDate.format(unixSeconds: 951_782_400) == "Tue, 29 Feb 2000 00:00:00 GMT")
    }
}
