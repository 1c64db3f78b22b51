import Glibc
import Reactor
import TestSupport
import Testing

@Suite("Folders under watch", .timeLimit(.minutes(1)))
struct FolderWatchTests {
    @Test("a file that is written, or renamed into its place, is told by its name")
    func changes() async throws {
        let folder = try Self.makeFolder()
        defer { for name in ["a", "b"] { unlink("\(folder)/\(name)") }; rmdir(folder) }
        try await LoopRunner.onLoop { loop in
            let watch = try FolderWatch(folder, on: loop)
            var names = watch.names.makeAsyncIterator()
            try Self.write("\(folder)/a")
            #expect(await names.next() == "a")
            #expect(await names.next() == "a")
            rename("\(folder)/a", "\(folder)/b")
            #expect(await names.next() == "a")
            #expect(await names.next() == "b")
            watch.close()
            #expect(await names.next() == nil)
        }
    }

    @Test("what is no folder can't be watched")
    func noFolder() async throws {
        try await LoopRunner.onLoop { loop in
            #expect(throws: ReactorError.self) { _ = try FolderWatch("/nonexistent", on: loop) }
            #expect(throws: ReactorError.self) { _ = try FolderWatch("/proc/self/status", on: loop) }
        }
    }

    private static func makeFolder() throws -> String {
        var template = Array("/tmp/folder-watch-XXXXXX".utf8CString)
        let path = try #require(mkdtemp(&template))
        return String(cString: path)
    }

    private static func write(_ path: String) throws {
        let file = try #require(fopen(path, "w"))
        fputs("x", file)
        fclose(file)
    }
}
