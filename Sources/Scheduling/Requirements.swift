public import Model

/// What a task demands of every backend that shall take it; equal for most tasks of one client, which share it in memory.
public struct Requirements: Hashable, Sendable {
    private final class Parts: Sendable {
        let options: Set<String>
        let labels: [String: String]
        let needs: TaskNeeds
        let engineImage: String?
        let boundTo: BackendName?
        /// Computed once: a queue of a million tasks hashes by it.
        let fingerprint: Int

        init(
            _ options: Set<String>, _ labels: [String: String], _ needs: TaskNeeds, _ engineImage: String?,
            _ boundTo: BackendName?
        ) {
            self.options = options
            self.labels = labels
            self.needs = needs
            self.engineImage = engineImage
            self.boundTo = boundTo
            var hasher = Hasher()
            hasher.combine(options)
            hasher.combine(labels)
            hasher.combine(needs)
            hasher.combine(engineImage)
            hasher.combine(boundTo)
            fingerprint = hasher.finalize()
        }
    }

    private let parts: Parts

    /// Names of the options that the client sent.
    public var options: Set<String> { parts.options }
    /// The labels of its token: only backends that carry all of them.
    public var labels: [String: String] { parts.labels }
    /// What kinds of input it has.
    public var needs: TaskNeeds { parts.needs }
    /// The engine's image that it names; nil for any.
    public var engineImage: String? { parts.engineImage }
    /// The only backend that can run it, because only the project there can be used; nil for any.
    public var boundTo: BackendName? { parts.boundTo }

    /// Every part is given.
    public init(
        options: Set<String> = [], labels: [String: String] = [:], needs: TaskNeeds = [], engineImage: String? = nil,
        boundTo: BackendName? = nil
    ) {
        parts = Parts(options, labels, needs, engineImage, boundTo)
    }

    /// The same ones, or equal in every part.
    public static func == (left: Requirements, right: Requirements) -> Bool {
        if left.parts === right.parts { return true }
        return left.parts.fingerprint == right.parts.fingerprint && left.options == right.options
            && left.labels == right.labels && left.needs == right.needs && left.engineImage == right.engineImage
            && left.boundTo == right.boundTo
    }

    /// By what the parts hash to.
    public func hash(into hasher: inout Hasher) { hasher.combine(parts.fingerprint) }
}
