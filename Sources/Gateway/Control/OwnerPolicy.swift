internal import Configuration
internal import Scheduling

/// What the inventory allows the owner of a token.
struct OwnerPolicy: Sendable {
    /// Its place among the owners; nothing runs yet.
    var share = OwnerShare()
    /// Only backends that carry these.
    var labels: [String: String] = [:]
    /// The most images of one task; nil: no limit of its own.
    var maxImages: Int?
}

extension OwnerPolicy {
    /// What a token of the inventory says.
    init(_ token: TokenDefinition) {
        share = OwnerShare(priority: token.priority, weight: token.weight, limit: token.maxConcurrentTasks)
        labels = token.labels
        maxImages = token.maxImages
    }
}
