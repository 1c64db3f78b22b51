/// What the `{…}` of a route's pattern stand for in a path, percent-decoded.
///
/// Decoding comes after splitting, so a capture may hold `/`, NUL or `..`: the handler refuses what it can't take.
public struct RouteCaptures: Sendable, Hashable {
    private var pairs: [Pair] = []

    private struct Pair: Sendable, Hashable {
        var name: String
        var value: String
    }

    /// Nothing captured; also for tests of handlers, with `insert`.
    public init() {}

    /// The value captured under that name; "" for a name that isn't in the pattern.
    public subscript(_ name: String) -> String { pairs.first { $0.name == name }?.value ?? "" }

    /// Adds a value.
    public mutating func insert(_ name: String, _ value: String) { pairs.append(Pair(name: name, value: value)) }
}
