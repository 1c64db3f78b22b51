internal import NodeODM

/// One entry of ClusterODM's `nodes.json`: `{"hostname":…,"port":…,"token":…}`, and where they are used `locked` and `dockerMachine`.
struct ClusterNode: Equatable, Sendable {
    var hostname: String
    var port: UInt16
    /// The node's own; nil where it asks for none.
    var token: String?
    /// It gets no new tasks.
    var isLocked = false
    /// It was started by the autoscaler, and goes with it.
    var isSpawned = false

    /// ClusterODM speaks TLS to port 443 alone.
    var url: String {
        let host = hostname.contains(":") ? "[\(hostname)]" : hostname
        return port == 443 ? "https://\(host)" : "http://\(host):\(port)"
    }

    /// Two entries of one place are one node.
    var place: String { "\(hostname.lowercased()):\(port)" }

    /// Reads one.
    /// - Parameters:
    ///   - json: the entry.
    ///   - place: where it stands, for messages.
    /// - Throws: `CommandError` that says what is wrong.
    init(_ json: JSONValue, at place: String) throws(CommandError) {
        guard json.members != nil else { throw CommandError("\(place): an object is expected") }
        guard let hostname = json["hostname"]?.text, Self.isHost(hostname) else {
            throw CommandError("\(place): `hostname` is missing, or none")
        }
        // It is a text where it was typed into a prompt or a form, and a number elsewhere.
        let port = json["port"]?.text.flatMap { UInt16($0) } ?? json["port"]?.integer.flatMap { UInt16(exactly: $0) }
        guard let port, port > 0 else {
            throw CommandError("\(place) (\(hostname)): `port` is missing, or no number from 1 to 65535")
        }
        self.hostname = hostname
        self.port = port
        token = json["token"]?.text.flatMap { $0.isEmpty ? nil : $0 }
        isLocked = json["locked"]?.bool ?? false
        isSpawned = json["dockerMachine"]?.members != nil
    }

    /// A whole `nodes.json`: an array.
    static func list(_ text: [UInt8], file: String) throws(CommandError) -> [ClusterNode] {
        let json = try ClusterFile.json(text, file)
        guard let entries = json.array else {
            throw CommandError(
                "\(file): an array of nodes is expected", advice: "It is data/nodes.json in ClusterODM's folder.")
        }
        var nodes: [ClusterNode] = []
        for (index, entry) in entries.enumerated() {
            let node = try ClusterNode(entry, at: "\(file): node \(index + 1)")
            if !nodes.contains(where: { $0.place == node.place }) { nodes.append(node) }
        }
        return nodes
    }

    /// Nothing that could be taken for more than a host in a URL or in YAML.
    private static func isHost(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 253
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
                    UInt8(ascii: ":"):
                    true
                default: false
                }
            }
    }
}

/// What both files share.
enum ClusterFile {
    static func json(_ text: [UInt8], _ file: String) throws(CommandError) -> JSONValue {
        do { return try JSONValue(parsing: text) } catch { throw CommandError("\(file) is no JSON: \(error.message)") }
    }
}
