import Testing

@testable import SQL

@Suite("Crash points")
struct CrashPointTests {
    @Test(
        "a point names a statement, a side and a count",
        arguments: [
            ("task.commit", "after", 1), ("task.commit:before", "before", 1), ("task.commit:after:3", "after", 3),
            ("task.commit:2", "after", 2),
        ])
    func point(text: String, side: String, count: Int) throws {
        let point = try #require(CrashPoint(text))
        #expect(point.side.rawValue == side)
        let other = Statement("task.create", "SELECT 1")()
        let own = Statement("task.commit", "SELECT 1")()
        for _ in 1..<count {
            #expect(!point.isReached(by: own))
            #expect(!point.isReached(by: other))
        }
        #expect(point.isReached(by: own))
        #expect(!point.isReached(by: own), "it is reached once")
    }

    @Test(
        "a text that names none is refused",
        arguments: [
            "", ":before", "task.commit:soon", "task.commit:0", "task.commit:before:-1", "task.commit:1:before",
        ])
    func nonsense(text: String) {
        #expect(CrashPoint(text) == nil)
    }
}
