import NodeODM

/// What can be changed while the node runs: by flags at the start, by the control endpoint at any time.
struct Knobs: Sendable {
    /// Slots.
    var maxParallel: Int64 = 1
    /// More images make a task fail after its commit; nil: no limit.
    var maxImages: Int64?
    /// How long processing takes.
    var taskSeconds = 2.0
    /// How long a committed task is being initialised.
    var initSeconds = 0.0
    /// Processing goes on until this is false again.
    var hold = false
    /// Console lines of a run.
    var outputLines: Int64 = 40
    /// Console lines with colours, controls, a megabyte, and one that is exactly `error`.
    var nastyOutput = false
    /// The share of runs that fail, 0–1.
    var failRate = 0.0
    /// So many of the next runs fail.
    var failNext: Int64 = 0
    /// `errorMessage` of such failures.
    var failText = "Cannot process dataset"
    /// Every init answers this error; empty: none does.
    var refuseInit = ""
    /// Every commit answers this error; empty: none does.
    var refuseCommit = ""
    /// Range is honoured in downloads, as by a node behind a caching proxy.
    var ranges = false
    /// Requests of an endpoint whose connection is closed before anything was done.
    var drop: [Endpoint: Int64] = [:]
    /// Requests of an endpoint that are carried out, and then the connection is closed without an answer.
    var dropAfter: [Endpoint: Int64] = [:]
    /// Requests of an endpoint that answer 500.
    var status500: [Endpoint: Int64] = [:]
    /// Milliseconds before an endpoint's requests are carried out.
    var delay: [Endpoint: Int64] = [:]
    /// So many of the next downloads are cut after `cutAfterBytes`.
    var cutDownloads: Int64 = 0
    /// Bytes of the body that a cut download still sends.
    var cutAfterBytes: Int64 = 65_536
    /// Bytes a second of one download; 0: as fast as it goes.
    var downloadRate: Int64 = 0
    /// Size of an extra file in the results, to make archives large.
    var resultBytes: Int64 = 0
    /// Base of the pauses between the attempts of a webhook: 0, 1, 2, 3, 4 times this.
    var webhookPauseSeconds = 5.0
    /// What /info says of the engine.
    var engineVersion = "3.6.0"
    /// What /info says of the API.
    var version = "2.2.4"

    private static let integers: [(String, any WritableKeyPath<Knobs, Int64> & Sendable)] = [
        ("maxParallel", \.maxParallel), ("outputLines", \.outputLines), ("failNext", \.failNext),
        ("cutDownloads", \.cutDownloads), ("cutAfterBytes", \.cutAfterBytes), ("downloadRate", \.downloadRate),
        ("resultBytes", \.resultBytes),
    ]
    private static let numbers: [(String, any WritableKeyPath<Knobs, Double> & Sendable)] = [
        ("taskSeconds", \.taskSeconds), ("initSeconds", \.initSeconds), ("failRate", \.failRate),
        ("webhookPauseSeconds", \.webhookPauseSeconds),
    ]
    private static let switches: [(String, any WritableKeyPath<Knobs, Bool> & Sendable)] = [
        ("hold", \.hold), ("nastyOutput", \.nastyOutput), ("ranges", \.ranges),
    ]
    private static let texts: [(String, any WritableKeyPath<Knobs, String> & Sendable)] = [
        ("failText", \.failText), ("refuseInit", \.refuseInit), ("refuseCommit", \.refuseCommit),
        ("engineVersion", \.engineVersion), ("version", \.version),
    ]
    private static let perEndpoint: [(String, any WritableKeyPath<Knobs, [Endpoint: Int64]> & Sendable)] = [
        ("drop", \.drop), ("dropAfter", \.dropAfter), ("status500", \.status500), ("delay", \.delay),
    ]
}

// MARK: Setting

extension Knobs {
    /// Sets the knobs of a JSON object: `{"taskSeconds": 5, "drop": {"commit": 1}, "delay": {"*": 20}}`.
    /// - Throws: ``SimulatorError`` for an unknown name or a value of the wrong type; the rest may be set by then.
    mutating func apply(_ json: JSONValue) throws(SimulatorError) {
        guard let members = json.members else { throw Self.wrong("knobs", "must be a JSON object") }
        for member in members { try set(member.name, to: member.value) }
    }

    /// Sets one knob.
    mutating func set(_ name: String, to value: JSONValue) throws(SimulatorError) {
        if name == "maxImages" {
            maxImages = value.integer
        } else if let (_, path) = Self.integers.first(where: { $0.0 == name }) {
            guard let number = value.integer, number >= 0 else { throw Self.wrong(name, "must be a whole number ≥ 0") }
            self[keyPath: path] = number
        } else if let (_, path) = Self.numbers.first(where: { $0.0 == name }) {
            guard let number = value.number, (0...1e6).contains(number) else {
                throw Self.wrong(name, "must be 0…10^6")
            }
            self[keyPath: path] = number
        } else if let (_, path) = Self.switches.first(where: { $0.0 == name }) {
            guard let isOn = value.bool else { throw Self.wrong(name, "must be true or false") }
            self[keyPath: path] = isOn
        } else if let (_, path) = Self.texts.first(where: { $0.0 == name }) {
            self[keyPath: path] = value.text ?? ""
        } else if let (_, path) = Self.perEndpoint.first(where: { $0.0 == name }) {
            try setPerEndpoint(path, name, value)
        } else {
            throw Self.wrong(name, "is no knob; GET /control lists them")
        }
    }

    private mutating func setPerEndpoint(
        _ path: WritableKeyPath<Knobs, [Endpoint: Int64]>, _ name: String, _ value: JSONValue
    ) throws(SimulatorError) {
        for member in value.members ?? [JSONMember(name: "*", value: value)] {
            guard let number = member.value.integer else { throw Self.wrong(name, "must hold whole numbers") }
            if member.name == "*" {
                for endpoint in Endpoint.allCases { self[keyPath: path][endpoint] = number }
            } else if let endpoint = Endpoint(rawValue: member.name) {
                self[keyPath: path][endpoint] = number
            } else {
                let known = Endpoint.allCases.map(\.rawValue).joined(separator: ", ")
                throw Self.wrong(name, "has no endpoint \(member.name); there are \(known)")
            }
        }
    }

    private static func wrong(_ name: String, _ message: String) -> SimulatorError {
        SimulatorError(code: .knob, message: "\(name) \(message)")
    }
}

// MARK: Using and showing

extension Knobs {
    /// Takes one from an endpoint's count; −1 means for ever.
    mutating func takeOne(_ path: WritableKeyPath<Knobs, [Endpoint: Int64]>, _ endpoint: Endpoint) -> Bool {
        guard let count = self[keyPath: path][endpoint], count != 0 else { return false }
        if count > 0 { self[keyPath: path][endpoint] = count - 1 }
        return true
    }

    func encode(into json: inout JSONWriter) {
        json.beginObject()
        json.key("maxImages")
        if let maxImages { json.integer(maxImages) } else { json.null() }
        for (name, path) in Self.integers { json.pair(name) { $0.integer(self[keyPath: path]) } }
        for (name, path) in Self.numbers { json.pair(name) { $0.double(self[keyPath: path]) } }
        for (name, path) in Self.switches { json.pair(name) { $0.bool(self[keyPath: path]) } }
        for (name, path) in Self.texts { json.pair(name) { $0.string(self[keyPath: path]) } }
        for (name, path) in Self.perEndpoint {
            json.pair(name) { json in
                json.beginObject()
                for (endpoint, count) in self[keyPath: path].sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
                    json.pair(endpoint.rawValue) { $0.integer(count) }
                }
                json.endObject()
            }
        }
        json.endObject()
    }
}

extension JSONWriter {
    /// A name and its value.
    mutating func pair(_ name: String, _ value: (inout JSONWriter) -> Void) {
        key(name)
        value(&self)
    }

    /// The bytes that a body writes.
    static func text(_ body: (inout JSONWriter) -> Void) -> [UInt8] {
        var json = JSONWriter()
        body(&json)
        return json.bytes
    }
}
