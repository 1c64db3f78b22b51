import NodeODM

/// The command line.
struct SimulatorConfiguration: Sendable {
    /// When the task list is written to disk.
    enum Dump: String, Sendable {
        /// Hourly and at a clean end, as NodeODM does: a crash loses tasks.
        case hourly
        /// After every change.
        case always
    }

    var port: UInt16 = 3000
    var host = "127.0.0.1"
    var controlPort: UInt16?
    var data = "simulator-data"
    var token: String?
    var name = "node"
    var dump = Dump.hourly
    var knobs = Knobs()

    static let usage = """
        NodeODMSimulator: behaves like a NodeODM 2.2.4 node, faults included.
          --port N            port of the API (3000; 0: any free one)
          --host IP           address to listen on (127.0.0.1)
          --control N         port of the control endpoint on 127.0.0.1 (0: any free one; absent: none)
          --data DIR          folder for uploads, projects, task list and journal
          --token TEXT        the node's token
          --name TEXT         name in logs
          --dump hourly|always  when the task list is saved
        Knobs, which POST /control changes at run time (as {"taskSeconds": 5}):
          --max-parallel N  --max-images N  --task-seconds S  --init-seconds S  --hold  --output-lines N  --nasty-output
          --fail-rate 0…1  --fail-next N  --fail-text TEXT  --refuse-init TEXT  --refuse-commit TEXT  --ranges
          --drop, --drop-after, --status-500, --delay ENDPOINT=N   (may be repeated; * means every endpoint, N = -1 for ever)
          --cut-downloads N  --cut-after-bytes N  --download-rate N  --result-bytes N
          --webhook-pause-seconds S  --engine-version TEXT  --version-text TEXT
        """

    /// Reads the arguments after the program's name.
    init(arguments: [String]) throws(SimulatorError) {
        var rest = arguments[...]
        while let flag = rest.popFirst() {
            switch flag {
            case "--hold", "--nasty-output", "--ranges":
                try knobs.set(Self.knobName(flag), to: .bool(true))
            default:
                guard flag.hasPrefix("--"), let value = rest.popFirst() else {
                    throw SimulatorError(code: .arguments, message: "\(flag): unknown, or its value is missing")
                }
                try take(flag, value)
            }
        }
    }

    private mutating func take(_ flag: String, _ value: String) throws(SimulatorError) {
        switch flag {
        case "--port": port = try Self.port(value)
        case "--host": host = value
        case "--control": controlPort = try Self.port(value)
        case "--data": data = value
        case "--token": token = value.isEmpty ? nil : value
        case "--name": name = value
        case "--dump":
            guard let dump = Dump(rawValue: value) else {
                throw SimulatorError(code: .arguments, message: "--dump is hourly or always, not \(value)")
            }
            self.dump = dump
        case "--fail-text", "--refuse-init", "--refuse-commit", "--engine-version":
            try knobs.set(Self.knobName(flag), to: .string(value))
        case "--version-text": knobs.version = value
        case "--drop", "--drop-connections", "--drop-after", "--status-500", "--delay":
            let name =
                flag == "--status-500" ? "status500" : flag == "--drop-connections" ? "drop" : Self.knobName(flag)
            try knobs.set(name, to: Self.perEndpoint(value))
        default:
            guard let number = try? JSONValue(parsing: value), number.number != nil else {
                throw SimulatorError(code: .arguments, message: "\(flag) \(value): unknown flag, or not a number")
            }
            try knobs.set(Self.knobName(flag), to: number)
        }
    }

    /// `commit=2` as `{"commit": 2}`; a number alone, or a name alone with 1.
    private static func perEndpoint(_ text: String) -> JSONValue {
        let parts = text.split(separator: "=", maxSplits: 1)
        if let number = Int64(text) { return .integer(number) }
        let count = parts.count == 2 ? Int64(parts[1]) ?? 1 : 1
        return .object([JSONMember(name: String(parts.first ?? "*"), value: .integer(count))])
    }

    /// `--task-seconds` as `taskSeconds`.
    private static func knobName(_ flag: String) -> String {
        let words = flag.split(separator: "-")
        return words.enumerated().map { index, word in
            index == 0 ? String(word) : word.prefix(1).uppercased() + word.dropFirst()
        }.joined()
    }

    private static func port(_ text: String) throws(SimulatorError) -> UInt16 {
        guard let port = UInt16(text) else { throw SimulatorError(code: .arguments, message: "\(text) is no port") }
        return port
    }
}
