import Glibc
import Model
import NodeODM
import Testing

@testable import Backends

/// Parts that the tests of this target share.
enum Fixtures {
    static let gateway = "5f1ad6a0-1c4e-4e55-9f20-8f4b6a6f3a11"

    static func task(
        _ id: String = "odm-pipeline-bcd2456789", attempt: Int = 1, options: [TaskOption] = [], images: Int = 40,
        bytes: ByteCount = .mebibytes(400)
    ) throws -> WorkflowTask {
        let task = try #require(TaskID(id))
        return WorkflowTask(
            task: task, attempt: attempt, workflow: try #require(WorkflowName.of(task, attempt: attempt)),
            options: options, images: images, bytes: bytes,
            input: try #require(S3URL(bucket: "imagery", prefix: "scaleodm/\(task.key)/input")),
            output: try #require(S3URL(bucket: "imagery", prefix: "scaleodm/\(task.key)/attempt-\(attempt)")))
    }

    static func json(_ text: String) throws -> JSONValue { try JSONValue(parsing: text) }

    /// What a test compares with, kept beside the tests; written anew where SCALEODM_WRITE_FIXTURES is set.
    static func kept(_ name: String, being text: String) throws -> String {
        let here = #filePath
        let path = "\(here.prefix(upTo: here.start(ofLast: "/BackendsTests/")))/Fixtures/argo/\(name)"
        if getenv("SCALEODM_WRITE_FIXTURES") != nil {
            let file = try #require(fopen(path, "w"))
            defer { fclose(file) }
            fputs(text, file)
            return text
        }
        let file = try #require(fopen(path, "r"), "there is no \(path)")
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = fread(&piece, 1, piece.count, file)
            if count == 0 { break }
            bytes += piece[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension String {
    fileprivate func start(ofLast mark: String) -> String.Index {
        var found = startIndex
        var index = startIndex
        while index < endIndex {
            if self[index...].hasPrefix(mark) { found = index }
            index = self.index(after: index)
        }
        return found
    }
}

extension JSONValue {
    /// One member or element a line, so that a difference can be read.
    func pretty(_ indent: String = "") -> String {
        let deeper = indent + "  "
        switch self {
        case .object(let members) where !members.isEmpty:
            let lines = members.map { "\(deeper)\(JSONValue.string($0.name).pretty()): \($0.value.pretty(deeper))" }
            return "{\n\(lines.joined(separator: ",\n"))\n\(indent)}"
        case .array(let elements) where !elements.isEmpty:
            return "[\n\(elements.map { deeper + $0.pretty(deeper) }.joined(separator: ",\n"))\n\(indent)]"
        case .null, .bool, .integer, .double, .string, .object, .array:
            var json = JSONWriter()
            json.value(self)
            return String(decoding: json.bytes, as: UTF8.self)
        }
    }

    /// Every text in it, names of members too.
    var allTexts: [String] {
        switch self {
        case .string(let text): [text]
        case .array(let elements): elements.flatMap(\.allTexts)
        case .object(let members): members.flatMap { [$0.name] + $0.value.allTexts }
        case .null, .bool, .integer, .double: []
        }
    }

    /// Reached by names and indices.
    func at(_ path: String...) -> JSONValue? {
        path.reduce(Optional(self)) { value, step in
            if let index = Int(step) { return value?.array.flatMap { $0.indices.contains(index) ? $0[index] : nil } }
            return value?[step]
        }
    }
}
