/// What the `{…}` of a route's pattern stand for in a path, percent-decoded.
///
/// Decoding comes after splitting, so a capture may hold `/`, NUL or `..`: the handler refuses what it can't take.
public struct RouteCaptures: Sendable, Hashable {
    /// The first one has a place of its own: most patterns have no other, and then nothing is allocated.
    private var first: Pair?
    private var others: [Pair] = []

    private struct Pair: Sendable, Hashable {
        var name: String
        var value: String
    }

    /// Nothing captured; also for tests of handlers, with `insert`.
    public init() {}

    /// The value captured under that name; "" for a name that isn't in the pattern.
    public subscript(_ name: String) -> String {
        if let first, first.name == name { return first.value }
        return others.first { $0.name == name }?.value ?? ""
    }

    /// Adds a value.
    public mutating func insert(_ name: String, _ value: String) {
        let pair = Pair(name: name, value: value)
        if first == nil { first = pair } else { others.append(pair) }
    }

    /// Takes back what was inserted last.
    mutating func removeLast() {
        if others.popLast() == nil { first = nil }
    }
}
