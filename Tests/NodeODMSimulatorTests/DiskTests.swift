import Glibc
import Model
import NodeODM
import Testing

@testable import NodeODMSimulator

@Suite("The simulated node's disk")
struct DiskTests {
    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = "/tmp/simulator-test-" + TaskID(randomUUID: SystemRandomBits()).string
        try Disk.makeFolder(folder)
        defer { Disk.remove(folder) }
        try body(folder)
    }

    @Test("the journal counts over processes, also when a crash cut its last line")
    func journal() throws {
        try withFolder { folder in
            do {
                var journal = try Journal(path: folder + "/j")
                journal.started("a", at: 1)
                journal.committed("a", at: 2)
                journal.received(.init(name: "x.jpg", size: 3, sha256: "00"), for: "a", at: 3)
            }
            let cut = (Disk.read(folder + "/j") ?? []) + Array(#"{"event":"start","uu"#.utf8)
            try Disk.write(cut, to: folder + "/j")
            for _ in 0..<2 {
                var journal = try Journal(path: folder + "/j")
                journal.started("a", at: 4)
            }
            let journal = try Journal(path: folder + "/j")
            // Taken out first: the macro can't borrow a value that can't be copied.
            let (starts, commits) = (journal.starts, journal.commits)
            let names = journal.files["a"]?.map(\.name)
            #expect(starts == ["a": 3] && commits == ["a": 1] && names == ["x.jpg"])
        }
    }

    @Test("an archive that was written is read back, with folders or without, and never outside of its folder")
    func zip() throws {
        try withFolder { folder in
            try Disk.write(Array("one".utf8), to: folder + "/one")
            try Disk.write([], to: folder + "/empty")
            var archive = try ZipWriter(path: folder + "/a.zip")
            try archive.add("images/ä one.jpg", from: folder + "/one")
            try archive.add("empty", from: folder + "/empty")
            try archive.add("../../outside", from: folder + "/one")
            try archive.finish()
            for name in ["kept", "flat"] { try Disk.makeFolder(folder + "/" + name) }
            try Unzipper.unpack(folder + "/a.zip", into: folder + "/kept", keepingFolders: true)
            try Unzipper.unpack(folder + "/a.zip", into: folder + "/flat", keepingFolders: false)
            #expect(Disk.names(in: folder + "/kept") == ["empty", "images", "outside"])
            #expect(Disk.read(folder + "/kept/images/ä one.jpg") == Array("one".utf8))
            #expect(Disk.names(in: folder + "/flat") == ["empty", "outside", "ä one.jpg"])
            #expect(throws: SimulatorError.self) {
                try Unzipper.unpack(folder + "/one", into: folder + "/flat", keepingFolders: true)
            }
        }
    }

    @Test("a file is listed once it is whole, a second one of the name with _ before its extension")
    func arriving() throws {
        try withFolder { folder in
            try Disk.makeFolder(folder + "/area")
            for (number, expected) in [(1, "A.JPG"), (2, "A_.JPG")] {
                var file = try ArrivingFile(path: folder + "/\(number)")
                try Array("abc".utf8).withUnsafeBytes { bytes in try file.append(bytes) }
                #expect(Disk.names(in: folder + "/area").count == number - 1)
                let received = try file.publish(as: "dir/A.JPG", in: folder + "/area")
                #expect(received?.name == expected && received?.size == 3)
                #expect(received?.sha256.hasPrefix("ba7816bf") == true)
            }
            let late = try ArrivingFile(path: folder + "/3")
            let isListed = try late.publish(as: "x", in: folder + "/gone") != nil
            #expect(!isListed)
            #expect(Disk.names(in: folder) == ["area"])
        }
    }

    @Test(
        "pictures are told from side files (contract, section 8)",
        arguments: [
            ("a.jpg", true), ("a.TIF", true), ("gcp_list.txt", false), ("GEO.TXT", false), ("align.laz", false),
            ("Align.tif", false), ("aligned.tif", true), ("seed.zip", false), ("x", true),
        ])
    func pictures(name: String, isPicture: Bool) {
        #expect(NodeFolder.isPicture(name) == isPicture)
    }

    @Test("what the task list doesn't name is deleted at the start")
    func orphans() throws {
        try withFolder { folder in
            let node = try NodeFolder(root: folder)
            for uuid in ["a", "b"] { try Disk.makeFolder(node.project(uuid) + "/images") }
            #expect(node.removeProjects(except: ["a"]) == ["b"])
            #expect(Disk.names(in: folder + "/tasks") == ["a"])
        }
    }

    @Test("only a UUID names an upload area")
    func areas() throws {
        try withFolder { folder in
            let node = try NodeFolder(root: folder)
            #expect(node.area("../tasks") == nil && node.area("x") == nil && node.area("") == nil)
            #expect(node.area("3F8AB9A0-0000-4000-8000-000000000001")?.hasPrefix(folder + "/tmp/3F8") == true)
        }
    }

    @Test("init fields are read as NodeODM reads them, and survive on disk")
    func fields() throws {
        let fields = try InitFields(
            form: [
                "name": "", "skipPostProcessing": "True", "webhook": "abc", "outputs": #"["../a"]"#,
                "dateCreated": "1705334400000x", "options": #"[{"name":"dsm","value":"1"}]"#, "zipurl": "http://h/z",
            ], now: 0)
        #expect(
            fields.name == "Task of 1970-01-01T00:00:00.000Z" && !fields.skipPostProcessing && fields.webhook == nil)
        #expect(fields.outputs == ["a"] && fields.dateCreated == 1_705_334_400_000 && fields.options.count == 4)
        let read = try #require(InitFields(text: fields.text))
        #expect(read.name == fields.name && read.options == fields.options && read.outputs == ["a"])
        #expect(read.zipurl == "http://h/z" && read.dateCreated == fields.dateCreated)
        #expect(throws: Refusal.self) { try InitFields(form: ["options": #"[{"name":"dsm","value":1}]"#], now: 0) }
    }
}
