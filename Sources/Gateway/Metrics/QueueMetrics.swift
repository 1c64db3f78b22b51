internal import Observability
internal import Scheduling
import Synchronization

/// The waiting tasks, as the last placement pass left them.
final class QueueMetrics: Sendable {
    private let tiers = Mutex<[Int?: Int]>([:])

    init(_ registry: MetricsRegistry) {
        registry.samples(
            "scaleodm_queue_tasks",
            help: "Tasks that wait for a slot, by the lowest tier that can take them; none where no backend can.",
            .gauge, labels: "tier"
        ) { [self] samples in
            for (tier, count) in tiers.withLock({ $0 }).sorted(by: { $0.key ?? .max < $1.key ?? .max }) {
                samples.add(count, tier.map { String($0) } ?? "none")
            }
        }
    }

    /// A pass has ended.
    /// - Parameters:
    ///   - waiting: what it left.
    ///   - fleet: tells which tiers there are, so that an empty one shows 0.
    func note(_ waiting: [Decision.Waiting], fleet: Fleet) {
        var counts: [Int?: Int] = [nil: 0]
        for member in fleet.members { counts[member.definition.tier] = 0 }
        for entry in waiting { counts[entry.tier, default: 0] += entry.count }
        tiers.withLock { $0 = counts }
    }
}
