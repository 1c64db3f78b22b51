/// What the `{…}` of a route's pattern stand for in a path, percent-decoded.
///
/// Decoding comes after splitting, so a capture may hold `/`, NUL or `..`: the handler refuses what it can't take.
public struct RouteCaptures: Sendable, Hashable {
    /// The first two have places of their own: few patterns have more, and then nothing is allocated.
    private var first: Pair?
    private var second: Pair?
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
        if let second, second.name == name { return second.value }
        return others.first { $0.name == name }?.value ?? ""
    }

    /// Adds a value.
    public mutating func insert(_ name: String, _ value: String) {
        let pair = Pair(name: name, value: value)
        if first == nil { first = pair } else if second == nil { second = pair } else { others.append(pair) }
    }

    /// Takes back what was inserted last.
    mutating func removeLast() {
        guard others.popLast() == nil else { return }
        if second != nil { second = nil } else { first = nil }
    }
}
