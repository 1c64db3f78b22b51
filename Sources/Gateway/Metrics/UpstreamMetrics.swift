internal import Backends
internal import HTTPRelay
internal import Model
internal import Observability
internal import Reactor
import Synchronization

/// What backends are asked, how it went and how long it took.
final class UpstreamMetrics: Sendable {
    /// What can be asked of a backend. A closed set: safe as a metric label.
    enum Operation: String, CaseIterable, Sendable {
        case load, options, stage, commit, discard, status, cancel, remove, restart, download

        fileprivate var index: Int { Self.allCases.firstIndex(of: self) ?? 0 }
    }

    /// `ok`, and the codes of backends and of the relay.
    fileprivate static let outcomes: [String] = {
        var names = ["ok"]
        let codes = BackendError.Code.allCases.map(\.rawValue) + RelayError.Code.allCases.map(\.rawValue)
        for code in codes where !names.contains(code) { names.append(code) }
        return names
    }()
    /// Few, since there is one histogram for each backend and operation.
    fileprivate static let bounds = [0.01, 0.05, 0.25, 1, 5, 30, 300]
    /// One operation in a block: its outcomes, its buckets, its time.
    fileprivate static let cells = outcomes.count + bounds.count + 2

    private let backends = Mutex<[BackendName: UpstreamCounts]>([:])

    init(_ registry: MetricsRegistry) {
        registry.samples(
            "scaleodm_upstream_requests_total", help: "Operations asked of backends.", .counter, labels: "backend",
            "operation", "outcome"
        ) { [self] samples in for counts in all { counts.addRequests(to: &samples) } }
        registry.samples(
            "scaleodm_upstream_request_duration_seconds", help: "How long operations of backends took.", .histogram,
            labels: "backend", "operation"
        ) { [self] samples in for counts in all { counts.addDurations(to: &samples) } }
        registry.samples(
            "scaleodm_upstream_connections",
            help: "To backends: operations under way, and the relay's connections in use and idle.", .gauge,
            labels: "backend", "state"
        ) { [self] samples in for counts in all { counts.addConnections(to: &samples) } }
    }

    /// The counts of one backend; the same for the same name.
    func counts(of backend: BackendName) -> UpstreamCounts {
        backends.withLock { backends in
            if let known = backends[backend] { return known }
            let made = UpstreamCounts(backend)
            backends[backend] = made
            return made
        }
    }

    private var all: [UpstreamCounts] {
        backends.withLock { $0 }.sorted { $0.key.string < $1.key.string }.map(\.value)
    }
}

/// What one backend is asked.
final class UpstreamCounts: Sendable {
    /// Downloads on one loop: counted there without a lock.
    struct Relayed: Sendable {
        /// The connections of that loop.
        let connections = UpstreamPool.Counts()
        fileprivate let block = CounterBlock(count: UpstreamMetrics.cells)

        /// Counts one relayed download, on its loop.
        /// - Parameters:
        ///   - code: why it broke off; nil where it didn't.
        ///   - begin: when it began.
        func note(_ code: RelayError.Code?, since begin: MonotonicTime) {
            let outcome = code.flatMap { UpstreamMetrics.outcomes.firstIndex(of: $0.rawValue) } ?? 0
            let duration = max(0, MonotonicTime.now().nanoseconds - begin.nanoseconds)
            block.add(1, at: outcome)
            block.add(1, at: UpstreamCounts.bucket(duration))
            block.add(UInt64(duration), at: UpstreamMetrics.cells - 1)
        }
    }

    private let backend: String
    private let calls: CounterBlock
    private let underWay = Atomic(0)
    private let loops = Mutex<[Relayed]>([])

    fileprivate init(_ backend: BackendName) {
        self.backend = backend.string
        calls = CounterBlock(count: UpstreamMetrics.Operation.allCases.count * UpstreamMetrics.cells)
    }

    /// The counts of one more loop's downloads.
    func makeRelayed() -> Relayed {
        let made = Relayed()
        loops.withLock { $0.append(made) }
        return made
    }

    /// Runs an operation and counts it.
    func measure<Result>(
        _ operation: UpstreamMetrics.Operation, _ call: () async throws(BackendError) -> Result
    ) async throws(BackendError) -> Result {
        let begin = MonotonicTime.now()
        underWay.wrappingAdd(1, ordering: .relaxed)
        defer { underWay.wrappingSubtract(1, ordering: .relaxed) }
        do throws(BackendError) {
            let result = try await call()
            note(operation, nil, since: begin)
            return result
        } catch {
            note(operation, error.code, since: begin)
            throw error
        }
    }

    /// Counts an operation that ended just now.
    func note(_ operation: UpstreamMetrics.Operation, _ code: BackendError.Code?, since begin: MonotonicTime) {
        let start = operation.index * UpstreamMetrics.cells
        let outcome = code.flatMap { UpstreamMetrics.outcomes.firstIndex(of: $0.rawValue) } ?? 0
        let duration = max(0, MonotonicTime.now().nanoseconds - begin.nanoseconds)
        calls.addShared(1, at: start + outcome)
        calls.addShared(1, at: start + Self.bucket(duration))
        calls.addShared(UInt64(duration), at: start + UpstreamMetrics.cells - 1)
    }

    private static func bucket(_ nanoseconds: Int64) -> Int {
        let seconds = Double(nanoseconds) / 1e9
        var index = 0
        while index < UpstreamMetrics.bounds.count, seconds > UpstreamMetrics.bounds[index] { index += 1 }
        return UpstreamMetrics.outcomes.count + index
    }

    // MARK: For a scrape

    /// One counter of an operation, over all blocks that have it.
    private func sum(_ operation: UpstreamMetrics.Operation, _ cell: Int, _ relayed: [Relayed]) -> UInt64 {
        let own = calls.value(at: operation.index * UpstreamMetrics.cells + cell)
        guard operation == .download else { return own }
        return relayed.reduce(own) { $0 &+ $1.block.value(at: cell) }
    }

    fileprivate func addRequests(to samples: inout MetricSamples) {
        let relayed = loops.withLock { $0 }
        for operation in UpstreamMetrics.Operation.allCases {
            for (index, outcome) in UpstreamMetrics.outcomes.enumerated() {
                let count = sum(operation, index, relayed)
                if count > 0 { samples.add(count, backend, operation.rawValue, outcome) }
            }
        }
    }

    fileprivate func addDurations(to samples: inout MetricSamples) {
        let relayed = loops.withLock { $0 }
        for operation in UpstreamMetrics.Operation.allCases {
            let start = UpstreamMetrics.outcomes.count
            let counts = (0...UpstreamMetrics.bounds.count).map { sum(operation, start + $0, relayed) }
            guard counts.contains(where: { $0 > 0 }) else { continue }
            let seconds = Double(sum(operation, UpstreamMetrics.cells - 1, relayed)) / 1e9
            samples.add(bounds: UpstreamMetrics.bounds, counts: counts, sum: seconds, backend, operation.rawValue)
        }
    }

    fileprivate func addConnections(to samples: inout MetricSamples) {
        let relayed = loops.withLock { $0 }
        let idle = relayed.reduce(0) { $0 + $1.connections.idle }
        let open = relayed.reduce(0) { $0 + $1.connections.open }
        samples.add(underWay.load(ordering: .relaxed), backend, "calling")
        samples.add(max(0, open - idle), backend, "relaying")
        samples.add(idle, backend, "idle")
    }
}
