import Glibc

/// Which worlds are to be lived through, and in how many processes.
struct Plan {
    private var seeds: ClosedRange<UInt64> = 1...200
    private var processes = 1
    private var traceLines = 80
    /// After so many seconds no further world is begun.
    private var timeLimit = UInt64.max

    /// Failed worlds after which no more are tried.
    private static let mostFailures = 5

    init?(_ words: some Sequence<String>) {
        var rest = Array(words)[...]
        while let word = rest.popFirst() {
            guard let value = rest.popFirst() else { return nil }
            let numbers = value.split(separator: "-").compactMap { UInt64($0) }
            guard let first = numbers.first, let last = numbers.last, first <= last else { return nil }
            switch word {
            case "--seeds": seeds = (numbers.count == 1 ? 1 : first)...last
            case "--seed": seeds = first...first
            case "--processes": processes = max(1, Int(first))
            case "--within": timeLimit = first
            case "--trace": traceLines = Int(first)
            default: return nil
            }
        }
    }

    /// - Returns: whether nothing was wrong in any world.
    func carryOut() -> Bool {
        if processes == 1 { return live(share: 0) }
        var children: [pid_t] = []
        for share in 0..<processes {
            fflush(nil)
            let child = fork()
            if child == 0 { exit(live(share: share) ? 0 : 1) }
            children.append(child)
        }
        var isWell = true
        for child in children {
            var status: Int32 = 0
            waitpid(child, &status, 0)
            isWell = isWell && child > 0 && status == 0
        }
        return isWell
    }

    /// Lives through every so-manieth seed.
    private func live(share: Int) -> Bool {
        var tally = Tally()
        let begin = time(nil)
        for seed in seeds where Int(seed % UInt64(processes)) == share {
            guard let report = try? World(seed: seed).run() else {
                print("seed \(seed): no world could be made")
                return false
            }
            tally.add(report)
            if !report.violations.isEmpty || seeds.count == 1 { explain(report) }
            // That a seed says everything is itself to be seen.
            if seed == seeds.lowerBound, !isRepeated(report, by: try? World(seed: seed).run()) {
                print("seed \(seed): NOT THE SAME the second time")
                return false
            }
            if tally.failures >= Self.mostFailures || time(nil) - begin >= timeLimit { break }
        }
        print(tally.text)
        return tally.failures == 0
    }

    private func isRepeated(_ report: World.Report, by again: World.Report?) -> Bool {
        again?.history == report.history && again?.steps == report.steps && again?.violations == report.violations
    }

    /// Lives through it once more, with a history.
    private func explain(_ report: World.Report) {
        guard let again = try? World(seed: report.seed, isTraced: true).run() else { return }
        print(again.trace.suffix(traceLines).joined(separator: "\n"))
        for violation in report.violations { print("seed \(report.seed): \(violation)") }
        let isSame = isRepeated(report, by: again)
        print(
            "seed \(report.seed): \(isSame ? "lived through twice, the same each time" : "NOT THE SAME the second time")"
        )
        fflush(nil)
    }
}
