internal import Model
internal import NodeODM

/// The last day in numbers, one sample a minute, in memory: a restart begins it anew.
///
/// A thousand backends take 5.5 MiB: 1,440 minutes, two figures of 16 bits.
struct History: Sendable {
    /// One minute's figures.
    struct Sample: Sendable, Equatable {
        var at: Timestamp
        /// By the names of `Figure`; a figure that isn't known is missing.
        var figures: [Figure: Int] = [:]
        var backends: [(name: BackendName, load: Load)] = []

        static func == (left: Sample, right: Sample) -> Bool {
            left.at == right.at && left.figures == right.figures
                && left.backends.elementsEqual(right.backends) { $0.name == $1.name && $0.load == $1.load }
        }
    }

    /// A backend's figures.
    struct Load: Sendable, Equatable {
        /// Slots in use.
        var running: Int?
        /// Slots; 0 while it doesn't answer.
        var slots: Int?
    }

    /// What is sampled of the whole.
    enum Figure: String, Sendable, CaseIterable {
        /// Tasks that wait for a backend.
        case queue
        /// Tasks that backends have, or are being sent.
        case running
        /// Slots of the backends that answer.
        case slots
        /// Tasks that ended within the minute.
        case completedPerMinute, failedPerMinute
        /// Bodies that this gateway's clients were sent, and sent, within the minute.
        case sentBytes, receivedBytes
        /// What this gateway's clients asked within the minute, and how much of it was answered 5xx.
        case requests, errors
    }

    private struct BackendRings: Sendable {
        var running: SampleRing<UInt16>
        var slots: SampleRing<UInt16>
        /// The turn of its last sample.
        var last: Int
    }

    /// Between two samples.
    static let step = Duration.seconds(60)
    /// A day.
    static let hours = 24
    private static let perHour = 60

    private let capacity: Int
    private let backendLimit: Int
    private var figures: [Figure: SampleRing<UInt64>] = [:]
    private var backends: [BackendName: BackendRings] = [:]
    /// Samples that were ever written.
    private var turns = 0
    /// When the last one was taken.
    private var lastAt = Timestamp(milliseconds: 0)

    /// - Parameters:
    ///   - capacity: samples that are kept.
    ///   - backendLimit: backends that are kept; of more, those that haven't been seen for longest go.
    init(capacity: Int = History.hours * History.perHour, backendLimit: Int = 2000) {
        self.capacity = capacity
        self.backendLimit = backendLimit
        for figure in Figure.allCases { figures[figure] = SampleRing(capacity: capacity) }
    }

    /// Samples that are kept now.
    var count: Int { min(turns, capacity) }

    /// What the backends' figures take, in bytes.
    var footprint: Int {
        backends.values.reduce(0) { $0 + $1.running.footprint + $1.slots.footprint }
    }

    // MARK: Writing

    /// Adds a sample.
    /// - Parameters:
    ///   - sample: the figures.
    ///   - missed: samples that should have been taken since the one before, and weren't.
    mutating func add(_ sample: Sample, missed: Int = 0) {
        for _ in 0..<min(max(0, missed), capacity) { write(Sample(at: sample.at)) }
        write(sample)
        lastAt = sample.at
        dropOld()
    }

    private mutating func write(_ sample: Sample) {
        for figure in Figure.allCases { figures[figure]?[turns] = sample.figures[figure] }
        // Those that aren't in the sample have nothing there; what a day ago stood in its place goes.
        for name in Array(backends.keys) {
            backends[name]?.running[turns] = nil
            backends[name]?.slots[turns] = nil
        }
        for (name, load) in sample.backends.prefix(backendLimit) {
            if backends[name] == nil {
                let (running, slots) = (SampleRing<UInt16>(capacity: capacity), SampleRing<UInt16>(capacity: capacity))
                backends[name] = BackendRings(running: running, slots: slots, last: turns)
            }
            backends[name]?.running[turns] = load.running
            backends[name]?.slots[turns] = load.slots
            backends[name]?.last = turns
        }
        turns += 1
    }

    private mutating func dropOld() {
        for (name, rings) in backends where turns - rings.last > capacity { backends[name] = nil }
        guard backends.count > backendLimit else { return }
        let oldest = backends.sorted { ($0.value.last, $0.key.string) < ($1.value.last, $1.key.string) }
        for (name, _) in oldest.prefix(backends.count - backendLimit) { backends[name] = nil }
    }

    // MARK: Reading

    /// The answer of GET /api/history.
    /// - Parameters:
    ///   - hours: how far back.
    ///   - names: the backends that are told of beside the whole; one that wasn't there then is left out.
    /// - Returns: one JSON object.
    func json(hours: Int, of names: [BackendName]) -> [UInt8] {
        let range = turns - min(count, hours * Self.perHour)..<turns
        var json = JSONWriter(reserving: 4096 + names.count * range.count * 6)
        json.beginObject()
        json.member("step", Self.step.components.seconds)
        json.key("from")
        if range.isEmpty { json.null() } else { json.string(moment(of: range.lowerBound).iso8601) }
        json.key("series")
        json.beginObject()
        for figure in Figure.allCases {
            json.key(figure.rawValue)
            Self.write(range, into: &json) { figures[figure]?[$0] }
        }
        json.endObject()
        json.key("backends")
        json.beginObject()
        for name in Set(names).sorted(by: { $0.string < $1.string }) {
            guard let rings = backends[name], range.contains(rings.last) else { continue }
            json.key(name.string)
            json.beginObject()
            json.key("running")
            Self.write(range, into: &json) { rings.running[$0] }
            json.key("slots")
            Self.write(range, into: &json) { rings.slots[$0] }
            json.endObject()
        }
        json.endObject()
        json.endObject()
        return json.bytes
    }

    private func moment(of turn: Int) -> Timestamp { lastAt + Self.step * (turn - turns + 1) }

    private static func write(_ range: Range<Int>, into json: inout JSONWriter, _ value: (Int) -> Int?) {
        json.beginArray()
        for turn in range { json.integer(orNull: value(turn)) }
        json.endArray()
    }
}

extension History.Sample {
    /// The sample alone, as an event tells it.
    var json: [UInt8] {
        var json = JSONWriter(reserving: 512 + backends.count * 40)
        json.beginObject()
        json.member("at", at.iso8601)
        json.key("series")
        json.beginObject()
        for figure in History.Figure.allCases {
            json.key(figure.rawValue)
            json.integer(orNull: figures[figure])
        }
        json.endObject()
        json.key("backends")
        json.beginObject()
        for (name, load) in backends {
            json.key(name.string)
            json.beginObject()
            json.key("running")
            json.integer(orNull: load.running)
            json.key("slots")
            json.integer(orNull: load.slots)
            json.endObject()
        }
        json.endObject()
        json.endObject()
        return json.bytes
    }
}
