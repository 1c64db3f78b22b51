public import Model

/// What a task demands of every backend that shall take it; equal for most tasks of one client.
public struct Requirements: Hashable, Sendable {
    /// Names of the options that the client sent.
    public let options: Set<String>
    /// The labels of its token: only backends that carry all of them.
    public let labels: [String: String]
    /// What kinds of input it has.
    public let needs: TaskNeeds
    /// The engine's image that it names; nil for any.
    public let engineImage: String?
    /// The only backend that can run it, because only the project there can be used; nil for any.
    public let boundTo: BackendName?
    /// Computed once: a queue of a million tasks hashes by it.
    private let fingerprint: Int

    /// Every part is given.
    public init(
        options: Set<String> = [], labels: [String: String] = [:], needs: TaskNeeds = [], engineImage: String? = nil,
        boundTo: BackendName? = nil
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

    /// By what the parts hash to.
    public func hash(into hasher: inout Hasher) { hasher.combine(fingerprint) }
}
