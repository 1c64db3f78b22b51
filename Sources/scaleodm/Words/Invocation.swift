/// What was typed behind a verb, read by the verb's own table.
struct Invocation: Sendable {
    /// The verb.
    let verb: Verb
    /// The words that stand alone.
    var arguments: [String] = []
    /// The values of flags in their order, by the flag's name; a flag without a value has empty ones.
    var values: [String: [String]] = [:]
    /// Stands in for flags that weren't given.
    let environment: @Sendable (String) -> String?

    /// Whether a flag was given.
    func has(_ name: String) -> Bool { values[name] != nil }

    /// All values of a flag.
    func all(_ name: String) -> [String] { values[name] ?? [] }

    /// The value of a flag: as typed, else of its variable, else what holds without.
    func value(_ flag: Flag) -> String? {
        if let typed = values[flag.name]?.last { return typed }
        if let variable = flag.environment, let value = environment(variable), !value.isEmpty { return value }
        return flag.fallback
    }

    /// The value of a flag that has no variable.
    func value(_ name: String) -> String? { values[name]?.last }
}
