import Model
import Observability

extension BackendDefinition {
    /// Where it is: two definitions that differ here name two backends, whatever they are called.
    public var place: String {
        var place = url.map { "\($0.origin)\($0.path)" } ?? "this cluster"
        if place.hasSuffix("/") { place.removeLast() }
        switch settings {
        case .nodeodm: return place
        case .scaleodm: return "\(place) (kind scaleodm)"
        case .argo(let argo): return "\(place) (kind argo, namespace \(argo.namespace))"
        }
    }

    /// Whether the same connection serves both, so that they differ in nothing but what the scheduler and people see.
    public func isServed(like other: BackendDefinition) -> Bool {
        var twin = other
        (twin.tier, twin.weight, twin.labels, twin.downloads) = (tier, weight, labels, downloads)
        // Argo's client counts its slots and images itself.
        if kind != .argo { (twin.maxParallelTasks, twin.maxImages) = (maxParallelTasks, maxImages) }
        return self == twin
    }

    /// Whether one of its secrets stands in the definition itself, rather than in the environment or a file.
    public var hasLiteralSecret: Bool { token.map { $0.origin == .literal } ?? false }
}
