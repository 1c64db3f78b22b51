import Model
import NodeODM

/// Where things lie: `tmp/<uuid>` are upload areas, `tasks/<uuid>` projects, `parts` files that are arriving.
struct NodeFolder: Sendable {
    let root: String

    init(root: String) throws(SimulatorError) {
        self.root = root
        Disk.remove(root + "/parts")
        for name in ["tmp", "tasks", "parts"] { try Disk.makeFolder(root + "/" + name) }
    }

    var taskList: String { root + "/tasks.json" }
    var journal: String { root + "/journal.jsonl" }

    /// The folder of a committed task.
    func project(_ uuid: String) -> String { root + "/tasks/" + uuid }
    /// The folder of an initialised upload. Only UUIDs name one, so that no path of a client gets through.
    func area(_ uuid: String) -> String? {
        TaskID(uuid)?.isUUID == true ? root + "/tmp/" + uuid : nil
    }

    /// A fresh name for a file that is arriving.
    func part(_ number: Int) -> String { root + "/parts/\(number)" }
}

// MARK: Upload areas

extension NodeFolder {
    /// The fields of an area that is initialised and not committed.
    func fields(of uuid: String) -> InitFields? {
        area(uuid).flatMap { Disk.read($0 + "/body.json") }.flatMap(InitFields.init(text:))
    }

    /// Names of the files that an area holds.
    func files(of uuid: String) -> [String] {
        area(uuid).map { Disk.names(in: $0).filter { $0 != "body.json" && $0 != "body.json.new" } } ?? []
    }

    /// Moves the files of an area into the project. From then on the area is unknown.
    func commit(_ uuid: String) throws(SimulatorError) {
        guard let area = area(uuid) else { return }
        Disk.remove(project(uuid))
        try Disk.makeFolder(project(uuid))
        Disk.remove(area + "/body.json")
        try Disk.move(area, to: project(uuid) + "/upload")
    }
}

// MARK: Projects

extension NodeFolder {
    /// Sorts the uploaded files: pictures to `images`, the rest where the engine wants it (contract, section 8).
    ///
    /// `seed.zip` is unpacked into the project with its folders, other archives into `images` without; both are deleted.
    /// - Returns: how many are in `images`.
    /// - Throws: ``SimulatorError`` where the disk fails or an archive is none.
    func sortUploads(of uuid: String) throws(SimulatorError) -> Int {
        let project = project(uuid)
        for folder in ["images", "gcp"] { try Disk.makeFolder(project + "/" + folder) }
        for name in Disk.names(in: project + "/upload") {
            let folder = Self.isPicture(name) ? "images" : name.hasSuffix(".zip") ? "" : "gcp"
            try Disk.move("\(project)/upload/\(name)", to: "\(project)/\(folder)/\(name)")
        }
        Disk.remove(project + "/upload")
        for name in Disk.names(in: project) where name.hasSuffix(".zip") && name != "all.zip" {
            let isSeed = name == "seed.zip"
            try Unzipper.unpack(
                project + "/" + name, into: isSeed ? project : project + "/images", keepingFolders: isSeed)
            Disk.remove(project + "/" + name)
        }
        return Disk.names(in: project + "/images").count
    }

    /// Whether a file counts as an image: `*.txt`, `align.*` and `*.zip` don't.
    static func isPicture(_ name: String) -> Bool {
        let lower = name.lowercased()
        if lower.hasSuffix(".txt") || lower.hasSuffix(".zip") { return false }
        return !["align.las", "align.laz", "align.tif"].contains(lower)
    }

    /// NodeODM deletes at its start what its task list doesn't name: after a crash that is what came since the last save.
    func removeProjects(except known: Set<String>) -> [String] {
        let lost = Disk.names(in: root + "/tasks").filter { !known.contains($0) }
        for uuid in lost { Disk.remove(project(uuid)) }
        return lost
    }
}
