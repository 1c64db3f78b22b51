import YAML

extension Inventory {
    /// The keys whose values differ, in the order of the file: such as `scheduling.refresh`.
    ///
    /// Lists are one value. Secrets are compared by what they are called, not by what they hold.
    /// - Parameter other: another state of the file.
    /// - Returns: no key twice.
    public func keys(differingFrom other: Inventory) -> [String] {
        let format = Format<Inventory>.section
        return Self.differences(
            format.print(self, .referencesAndLiterals), format.print(other, .referencesAndLiterals), below: "")
    }

    private static func differences(_ one: YAMLValue, _ other: YAMLValue, below path: String) -> [String] {
        guard one != other else { return [] }
        guard case .mapping(let ones) = one, case .mapping(let others) = other else { return [path] }
        let names = ones.map(\.key) + others.map(\.key).filter { name in !ones.contains { $0.key == name } }
        return names.flatMap { name in
            let values = [ones, others].map { entries in entries.first { $0.key == name }?.value ?? .null }
            return differences(values[0], values[1], below: path.isEmpty ? name : "\(path).\(name)")
        }
    }
}
