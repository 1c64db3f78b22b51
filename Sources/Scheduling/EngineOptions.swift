/// The names of the options that an engine knows. Backends of one engine version share one value.
public final class EngineOptions: Sendable {
    /// Option names without dashes.
    public let names: Set<String>
    /// Wraps names of a backend's /options.
    public init(_ names: some Sequence<String>) { self.names = Set(names) }

    /// The first (by name) of a task's options that the engine lacks; nil where it knows all.
    func firstUnknown(of options: Set<String>) -> String? {
        options.isSubset(of: names) ? nil : options.subtracting(names).min()
    }
}
