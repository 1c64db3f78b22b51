import Configuration
import Glibc
import Observability
import Testing

/// Loads text as `gateway.yaml`, in a small world of its own.
func load(
    _ text: String, path: String = "gateway.yaml", environment: [String: String] = [:], files: [String: String] = [:]
) throws(InventoryError) -> LoadedInventory {
    try loader(environment, files).load(text: text, path: path)
}

/// What is wrong with a text, a line a problem.
func problems(
    _ text: String, environment: [String: String] = [:], files: [String: String] = [:]
) -> [String] {
    do throws(InventoryError) {
        _ = try load(text, environment: environment, files: files)
        return []
    } catch {
        return error.problems.map(\.description)
    }
}

func loader(_ environment: [String: String] = [:], _ files: [String: String] = [:]) -> InventoryLoader {
    InventoryLoader(
        environment: { environment[$0] },
        secretFile: { path throws(SecretError) in
            guard let value = files[path] else { return try Secret(file: "/nonexistent/\(path)") }
            return Secret(value, origin: .file(path))
        })
}

/// The package's folder.
let package: String = {
    var parts = #filePath.split(separator: "/")
    parts.removeLast(3)
    return "/" + parts.joined(separator: "/")
}()

/// A file of the package.
func file(_ path: String) throws -> String {
    let descriptor = open("\(package)/\(path)", O_RDONLY)
    try #require(descriptor >= 0, "\(path)")
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let count = read(descriptor, &bytes, bytes.count)
    try #require(count > 0)
    return String(decoding: bytes.prefix(count), as: UTF8.self)
}
