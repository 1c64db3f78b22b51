import Model
import Testing

@testable import Gateway

@Suite("The tally of uploads")
struct UploadTallyTests {
    private func task(_ name: String) throws -> TaskID { try #require(TaskID(name)) }

    @Test("files are counted until no more fits, and what wasn't recorded is given back")
    func reserving() throws {
        let (tally, id) = (UploadTally(limit: 100), try task("one"))
        #expect(tally.room(of: id) == nil, "nobody has counted yet")
        tally.begin(id, bytes: 30)
        #expect(tally.reserve(60, for: id))
        #expect(!tally.reserve(20, for: id))
        #expect(tally.room(of: id) == 10)
        tally.release(60, of: id)
        #expect(tally.reserve(70, for: id))
        #expect(tally.room(of: id) == 0)
    }

    @Test("a second beginning changes nothing, and a forgotten task is counted anew")
    func beginning() throws {
        let (tally, id) = (UploadTally(limit: 100), try task("one"))
        tally.begin(id, bytes: 30)
        tally.begin(id, bytes: 0)
        #expect(tally.room(of: id) == 70)
        tally.forget(id)
        #expect(tally.room(of: id) == nil)
        tally.release(10, of: id)
        #expect(tally.room(of: id) == nil)
        #expect(tally.reserve(100, for: id) && !tally.reserve(101, for: id), "no file is larger than a task")
    }

    @Test("no more uploads are remembered than fit, those used last first")
    func capacity() throws {
        let tally = UploadTally(limit: 100, capacity: 4)
        for name in ["a", "b", "c", "d"] { tally.begin(try task(name), bytes: 1) }
        #expect(tally.reserve(1, for: try task("a")))
        tally.begin(try task("e"), bytes: 1)
        #expect(tally.room(of: try task("a")) == 98)
        #expect(tally.room(of: try task("e")) == 99)
        #expect(tally.room(of: try task("b")) == nil)
    }

    @Test("sizes near the largest number are refused, not added")
    func overflow() throws {
        let (tally, id) = (UploadTally(limit: ByteCount(.max)), try task("one"))
        tally.begin(id, bytes: .max - 1)
        #expect(!tally.reserve(2, for: id))
        #expect(tally.reserve(1, for: id))
    }
}
