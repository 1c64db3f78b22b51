import Reactor

/// Posts the end of a task as NodeODM does: six attempts, only 200 is success, no signature (contract, section 7).
struct WebhookSender: Sendable {
    var url: String
    var body: [UInt8]
    /// Seconds; the pause after the n-th failure is n − 1 times this.
    var pause: Double
    var clock: any WorldClock
    var pool: BlockingPool

    private static let attempts = 6

    func run() async {
        for attempt in 0..<Self.attempts {
            if (try? await PlainHTTP(url: url, pool: pool).post(body)) == 200 { return }
            if attempt == Self.attempts - 1 { break }
            guard (try? await clock.sleep(for: .seconds(pause * Double(attempt)))) != nil else { return }
        }
        Console.log("webhook \(url): given up")
    }
}
