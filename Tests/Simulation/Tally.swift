/// What all worlds came to.
struct Tally {
    private(set) var failures = 0
    private var worlds = 0
    private var hours = 0.0
    private var totals: [String: Int] = [:]

    mutating func add(_ report: World.Report) {
        worlds += 1
        if !report.violations.isEmpty { failures += 1 }
        hours += Double(report.virtualSeconds) / 3600
        for (name, count) in report.trouble { totals[name, default: 0] += count }
        for (name, count) in [
            ("tasks", report.tasks), ("runs", report.runs), ("steps", report.steps),
            ("transitions looked at", report.looks),
        ] {
            totals[name, default: 0] += count
        }
    }

    var text: String {
        let counts = totals.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
        return "\(worlds) worlds, \(failures) of them wrong; \(Int(hours)) hours, \(counts)"
    }
}
