extension OptionCatalog {
    /// What differs between the gateway and a NodeODM node, or between tokens.
    public struct ValidationRules: Sendable {
        /// NodeODM then adds no options of its own.
        public var skipPostProcessing: Bool
        /// The numbers 0 and 1 are taken for `bool`; NodeODM refuses them (item 19).
        public var numbersAreBooleans: Bool
        /// The most that `max-concurrency` may be: a larger or absent value becomes this.
        public var maxConcurrency: Int64?

        /// The gateway's rules, unless said otherwise.
        public init(skipPostProcessing: Bool = false, numbersAreBooleans: Bool = true, maxConcurrency: Int64? = nil) {
            self.skipPostProcessing = skipPostProcessing
            self.numbersAreBooleans = numbersAreBooleans
            self.maxConcurrency = maxConcurrency
        }
    }

    /// Checks the text of `options` and gives it types, as NodeODM does (contract, section 6; items 16–23).
    ///
    /// Known options only, each by its first entry, in this list's order; what the node itself adds comes last.
    /// - Parameters:
    ///   - optionsText: JSON, an array of `{name, value}`; absent, empty, or another JSON value means none.
    ///   - rules: the node's peculiarities.
    /// - Returns: the options as info shows them, or everything that was wrong with them.
    public func validate(
        optionsText: String?, rules: ValidationRules = ValidationRules()
    ) -> Result<[TaskOption], OptionErrors> {
        guard let optionsText, !optionsText.isEmpty else { return validate(options: .array([]), rules: rules) }
        do {
            return validate(options: try JSONValue(parsing: optionsText), rules: rules)
        } catch {
            return .failure(OptionErrors(.notJSON, message: error.message))
        }
    }

    /// Checks options that came inside a JSON body.
    /// - Parameters:
    ///   - options: an array of `{name, value}`; any other value means none.
    ///   - rules: the node's peculiarities.
    /// - Returns: as ``validate(optionsText:rules:)``.
    public func validate(
        options: JSONValue, rules: ValidationRules = ValidationRules()
    ) -> Result<[TaskOption], OptionErrors> {
        var sent: [String: JSONValue] = [:]
        for (index, entry) in (options.array ?? []).enumerated() {
            guard entry.members != nil else {
                return .failure(OptionErrors(.notAnObject, message: "Entry \(index) of options has no name and value"))
            }
            guard let name = entry["name"]?.text, sent[name] == nil else { continue }
            sent[name] = entry["value"] ?? .null
        }
        var accepted: [TaskOption] = []
        var failures: [OptionErrors.Failure] = []
        for definition in definitions {
            guard let value = sent[definition.name] else { continue }
            switch definition.convert(value, numbersAreBooleans: rules.numbersAreBooleans) {
            case .success(let value): accepted.append(TaskOption(name: definition.name, value: value))
            case .failure(let refusal): failures.append(.init(name: definition.name, reason: refusal.reason))
            }
        }
        if !failures.isEmpty { return .failure(OptionErrors(failures: failures)) }
        addForced(to: &accepted, rules)
        return .success(accepted)
    }

    private func addForced(to options: inout [TaskOption], _ rules: ValidationRules) {
        if let limit = rules.maxConcurrency, contains("max-concurrency") {
            if let index = options.firstIndex(where: { $0.name == "max-concurrency" }) {
                if case .integer(let value) = options[index].value, value > limit {
                    options[index].value = .integer(limit)
                }
            } else {
                options.append(TaskOption(name: "max-concurrency", value: .integer(limit)))
            }
        }
        if rules.skipPostProcessing { return }
        for name in ["pc-ept", "cog", "gltf"] where contains(name) && !options.contains(where: { $0.name == name }) {
            options.append(TaskOption(name: name, value: .bool(true)))
        }
    }
}
