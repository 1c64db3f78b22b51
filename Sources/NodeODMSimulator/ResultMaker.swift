import Glibc
import NodeODM

/// Makes a run's results and packs them: placeholders at the paths where WebODM looks, and the inputs.
///
/// Blocks: it runs on a pool's thread.
struct ResultMaker: Sendable {
    /// The project's folder.
    var project: String
    var options: [TaskOption]
    /// Wanted paths; nil: the default set.
    var outputs: [String]?
    var console: [String]
    /// Size of an extra file; 0: none.
    var extraBytes: Int64

    /// Writes the results and `all.zip`; an archive of an earlier run is there until the new one is whole.
    func make() throws(SimulatorError) {
        try write("task_output.txt", console.joined(separator: "\n") + "\n")
        try write("images.json", imagesJSON)
        try write("cameras.json", "{}")
        try write("log.json", #"{"success": true}"#)
        try write("odm_report/stats.json", #"{"simulated": true}"#)
        try write("odm_orthophoto/odm_orthophoto.tif", bytes: Self.tinyTIFF)
        try write("odm_georeferencing/odm_georeferenced_model.laz", "simulated point cloud\n")
        try write("odm_texturing/odm_textured_model_geo.obj", "# simulated model\nv 0 0 0\n")
        for name in ["dsm", "dtm"] where options.contains(TaskOption(name: name, value: .bool(true))) {
            try write("odm_dem/\(name).tif", bytes: Self.tinyTIFF)
        }
        if extraBytes > 0 { try writeExtra() }
        try pack()
    }

    private static let defaultSet = [
        "images", "gcp", "odm_orthophoto", "odm_georeferencing", "odm_texturing", "odm_dem", "odm_report", "extra.bin",
        "images.json", "cameras.json", "task_output.txt", "log.json",
    ]

    private func pack() throws(SimulatorError) {
        let temporary = project + "/all.zip.new"
        var archive = try ZipWriter(path: temporary)
        var seen: Set<String> = []
        for path in outputs ?? Self.defaultSet { try add(path, to: &archive, &seen) }
        try archive.finish()
        try Disk.move(temporary, to: project + "/all.zip")
    }

    /// Adds a file, or all files below a folder; a path that isn't there is passed over.
    private func add(_ path: String, to archive: inout ZipWriter, _ seen: inout Set<String>) throws(SimulatorError) {
        let place = project + "/" + path
        if Disk.isFolder(place) {
            for name in Disk.names(in: place) { try add(path + "/" + name, to: &archive, &seen) }
        } else if Disk.size(of: place) != nil, !path.hasPrefix("all.zip"), seen.insert(path).inserted {
            try archive.add(path, from: place)
        }
    }

    private func write(_ name: String, _ text: String) throws(SimulatorError) {
        try write(name, bytes: Array(text.utf8))
    }

    private func write(_ name: String, bytes: [UInt8]) throws(SimulatorError) {
        let path = project + "/" + name
        if let slash = path.lastIndex(of: "/") { try Disk.makeFolder(String(path[..<slash])) }
        try Disk.write(bytes, to: path)
    }

    /// A file of holes: it takes no room on disk.
    private func writeExtra() throws(SimulatorError) {
        let path = project + "/extra.bin"
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Disk.failure("write", path) }
        defer { close(descriptor) }
        guard ftruncate(descriptor, off_t(extraBytes)) == 0 else { throw Disk.failure("write", path) }
    }

    private var imagesJSON: String {
        let json = JSONWriter.text { json in
            json.beginArray()
            for name in Disk.names(in: project + "/images") {
                json.beginObject()
                json.pair("filename") { $0.string(name) }
                json.endObject()
            }
            json.endArray()
        }
        return String(decoding: json, as: UTF8.self)
    }

    /// A grey picture of one pixel: TIFF 6.0, little endian, the nine tags that a baseline reader needs.
    private static let tinyTIFF: [UInt8] = {
        let tags: [(tag: UInt16, type: UInt16, value: UInt32)] = [
            (256, 3, 1), (257, 3, 1), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 122), (277, 3, 1), (278, 3, 1),
            (279, 4, 1),
        ]
        var bytes: [UInt8] = [0x49, 0x49, 42, 0, 8, 0, 0, 0, UInt8(tags.count), 0]
        for (tag, type, value) in tags {
            for part in [UInt32(tag) | UInt32(type) << 16, 1, value] {
                withUnsafeBytes(of: part.littleEndian) { bytes.append(contentsOf: $0) }
            }
        }
        return bytes + [0, 0, 0, 0, 128]
    }()
}
