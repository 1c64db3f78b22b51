internal import HTTPServer
internal import HTTPTypes
internal import Observability

/// What one listener counts of its requests: a block of counters a loop, of which each request changes five, without a lock,
/// an allocation or a look-up by name.
final class HTTPMetrics: Sendable {
    /// The listener's name.
    let listener: String
    /// The routes' names; the last one is for requests that none took.
    let routes: [String]
    private let blocks: [CounterBlock]
    /// Index of a status among `codes`, by the status.
    private let codeIndex: [UInt8]

    static let bounds = Histogram.seconds
    private static let boundsInNanoseconds = bounds.map { Int64($0 * 1e9) }
    private static let methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "other"]
    /// What the gateway and its backends answer; `0` where the connection ended without an answer.
    private static let codes = [
        0, 200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 406, 408, 409, 410, 411, 412,
        413, 414, 415, 416, 417, 422, 426, 428, 429, 431, 500, 501, 502, 503, 504, 505, 507,
    ]

    // How a block is laid out: all requests, then all durations, then bytes.
    private static let durationCells = bounds.count + 2
    private let durationStart: Int
    private let bytesStart: Int

    /// - Parameters:
    ///   - listener: its name.
    ///   - routes: names of the router's routes, in its order.
    ///   - loops: how many serve it.
    init(listener: String, routes: [String], loops: Int) {
        self.listener = listener
        let routes = routes + ["none"]
        self.routes = routes
        let requestCells = routes.count * Self.methods.count * (Self.codes.count + 1)
        durationStart = requestCells
        bytesStart = requestCells + routes.count * Self.durationCells
        let count = bytesStart + 2
        blocks = (0..<max(1, loops)).map { _ in CounterBlock(count: count) }
        var codeIndex = [UInt8](repeating: UInt8(Self.codes.count), count: 600)
        for (index, code) in Self.codes.enumerated() { codeIndex[code] = UInt8(index) }
        self.codeIndex = codeIndex
    }

    /// Counts one request, on its loop.
    /// - Returns: how many of this route, method and status this loop had before.
    func note(_ entry: borrowing AccessLogEntry) -> UInt64 {
        guard entry.loopIndex < blocks.count else { return 0 }
        let block = blocks[entry.loopIndex]
        let route = entry.routeIndex.map { min($0, routes.count - 1) } ?? routes.count - 1
        let status = entry.status
        let code = status >= 0 && status < codeIndex.count ? Int(codeIndex[status]) : Self.codes.count
        let duration = durationStart + route * Self.durationCells
        block.add(1, at: duration + Self.bucket(entry.nanoseconds))
        block.add(UInt64(clamping: entry.nanoseconds), at: duration + Self.durationCells - 1)
        block.add(UInt64(clamping: entry.bytesIn), at: bytesStart)
        block.add(UInt64(clamping: entry.bytesOut), at: bytesStart + 1)
        return block.add(1, at: cell(route, Self.index(of: entry.method), code))
    }

    private func cell(_ route: Int, _ method: Int, _ code: Int) -> Int {
        (route * Self.methods.count + method) * (Self.codes.count + 1) + code
    }

    private static func index(of method: HTTPMethod?) -> Int {
        switch method {
        case .get: 0
        case .head: 1
        case .post: 2
        case .put: 3
        case .delete: 4
        case .options: 5
        case .patch: 6
        case .other, nil: 7
        }
    }

    private static func bucket(_ nanoseconds: Int64) -> Int {
        var index = 0
        while index < boundsInNanoseconds.count, nanoseconds > boundsInNanoseconds[index] { index += 1 }
        return index
    }

    // MARK: For a scrape

    /// All loops' counts of one cell.
    private func sum(_ cell: Int) -> UInt64 { blocks.reduce(0) { $0 &+ $1.value(at: cell) } }

    /// Bytes of requests' bodies.
    var received: UInt64 { sum(bytesStart) }
    /// Bytes of answers' bodies.
    var sent: UInt64 { sum(bytesStart + 1) }

    /// What the listener has answered so far.
    var traffic: Traffic {
        var traffic = Traffic(receivedBytes: received, sentBytes: sent)
        for route in routes.indices {
            for method in Self.methods.indices {
                for code in 0...Self.codes.count {
                    let count = sum(cell(route, method, code))
                    traffic.requests &+= count
                    if code < Self.codes.count, Self.codes[code] >= 500 { traffic.errors &+= count }
                }
            }
        }
        return traffic
    }

    /// Adds what was answered.
    func addRequests(to samples: inout MetricSamples) {
        for route in routes.indices {
            for method in Self.methods.indices {
                for code in 0...Self.codes.count {
                    let count = sum(cell(route, method, code))
                    guard count > 0 else { continue }
                    let name = code < Self.codes.count ? String(Self.codes[code]) : "other"
                    samples.add(count, listener, routes[route], Self.methods[method], name)
                }
            }
        }
    }

    /// Adds how long it took.
    func addDurations(to samples: inout MetricSamples) {
        for route in routes.indices {
            let start = durationStart + route * Self.durationCells
            let counts = (0...Self.bounds.count).map { sum(start + $0) }
            guard counts.contains(where: { $0 > 0 }) else { continue }
            let seconds = Double(sum(start + Self.durationCells - 1)) / 1e9
            samples.add(bounds: Self.bounds, counts: counts, sum: seconds, listener, routes[route])
        }
    }
}
