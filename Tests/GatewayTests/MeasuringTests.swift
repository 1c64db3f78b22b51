import Glibc
import Testing

/// What stands in front of a backend or a database has to hand on all that it is asked.
///
/// A requirement with a default isn't missed by the compiler: it would be answered by the default, whatever the kind behind it.
/// So the sources are read.
@Suite("What measures hands everything on")
struct MeasuringTests {
    @Test(
        "every requirement of the protocol is handed on",
        arguments: [
            ("Backends/Backend.swift", "Backend", "Gateway/Metrics/MeasuredBackend.swift"),
            ("SQL/Database.swift", "Database", "Gateway/Metrics/MeasuredDatabase.swift"),
            ("SQL/Database.swift", "DatabaseSession", "Gateway/Metrics/MeasuredDatabase.swift"),
        ])
    func complete(declaration: String, name: String, front: String) throws {
        let declared = try Self.requirements(of: name, in: Self.source(declaration))
        #expect(declared.count >= 3)
        let text = try Self.source(front)
        for requirement in declared {
            #expect(
                text.contains("\(requirement)(") || text.contains("\(requirement):")
                    || text.contains("\(requirement)<"),
                "\(front) answers `\(requirement)` of \(name) by its default")
        }
    }

    /// `func name` and `var name` of a protocol's own lines.
    private static func requirements(of name: String, in source: String) throws -> [String] {
        let lines = source.split(separator: "\n")
        let begin = try #require(
            lines.firstIndex { $0.hasPrefix("public protocol \(name):") || $0 == "public protocol \(name) {" })
        let body = lines[lines.index(after: begin)...].prefix { $0 != "}" }
        return body.compactMap { line in
            for word in ["    func ", "    var "] where line.hasPrefix(word) {
                let rest = line.dropFirst(word.count).prefix { $0.isLetter || $0.isNumber }
                return String(line.dropFirst(4).prefix(word.count - 4)) + rest
            }
            return nil
        }
    }

    private static func source(_ path: String) throws -> String {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let file = try #require(fopen("/\(root)/Sources/\(path)", "r"), "\(path)")
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 65_536)
        while case let count = fread(&room, 1, room.count, file), count > 0 { bytes += room[..<count] }
        return String(decoding: bytes, as: UTF8.self)
    }
}
