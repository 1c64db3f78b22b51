internal import Backends
internal import Configuration
internal import Model
internal import Observability
internal import Reactor
internal import Record

/// How the roster gets from what is to be to what is.
extension Roster {
    /// What the record knows.
    struct Known {
        var rows: [BackendName: RememberedBackend] = [:]
        var holdings: [BackendName: BackendHoldings]

        init(_ memory: BackendMemory, withAnswers: Bool) async throws(RecordError) {
            let all = try await memory.all(withAnswers: withAnswers)
            rows = Dictionary(all.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
            holdings = try await memory.holdings()
        }

        /// What a backend has of ours.
        func holding(of name: BackendName) -> BackendHoldings { holdings[name] ?? BackendHoldings() }
    }

    /// Who is to be a member, and why.
    struct Aim {
        var definition: BackendDefinition
        var source: FleetMember.Source
    }

    // MARK: What is to be

    /// Who is to be a member: where nobody places tasks yet, at the start, what has nothing goes at once.
    func target(_ definitions: [BackendDefinition], _ known: Known, isStart: Bool) -> [Aim] {
        var aims = definitions.map { Aim(definition: $0, source: .file) }
        var names = Set(definitions.map(\.name))
        for row in known.rows.values.sorted(by: { $0.name < $1.name }) where row.isAdded {
            guard names.insert(row.name).inserted, let definition = definition(of: row) else { continue }
            aims.append(Aim(definition: definition, source: .added))
        }
        let others = Set(known.rows.keys).union(known.holdings.keys).union(entries.keys).subtracting(names)
        for name in others.sorted() where isNeeded(name, known) {
            let definition = entries[name]?.definition ?? known.rows[name].flatMap(definition(of:))
            guard let definition else {
                reportLost(name, known.holding(of: name))
                continue
            }
            aims.append(Aim(definition: definition, source: .retired))
        }
        return aims
    }

    /// Whether a backend that isn't listed has anything, or may just be getting something from who didn't know yet.
    private func isNeeded(_ name: BackendName, _ known: Known) -> Bool {
        if !known.holding(of: name).isEmpty { return true }
        guard let entry = entries[name] else { return false }
        guard let retiredAt = entry.retiredAt else { return true }
        return clock.monotonic() - retiredAt < Self.interval
    }

    /// Whoever may use the admin API must not get at secrets that he couldn't read himself.
    static let loaderOfAdded = InventoryLoader(
        environment: { name in
            name.hasPrefix("SCALEODM_BACKEND_") ? InventoryLoader.processEnvironment(name) : nil
        },
        secretFile: { path throws(SecretError) in
            throw SecretError(
                code: .unreadable, message: "\(path): a backend that is added at run time can't name files of secrets")
        })

    /// The definition that the record keeps.
    private func definition(of row: RememberedBackend) -> BackendDefinition? {
        if let entry = entries[row.name], row.definition == entry.texts.plain || row.definition == entry.texts.masked {
            return entry.definition
        }
        guard let text = row.definition else { return nil }
        do throws(InventoryError) {
            let loader = row.isAdded ? Self.loaderOfAdded : InventoryLoader()
            return try loader.loadBackend(text: text, path: "the record")
        } catch {
            if reported.insert(row.name).inserted {
                logger.error(
                    "the record's definition of a backend can't be used",
                    ["backend": .string(row.name.string), "error": .string(error.description)])
            }
            return nil
        }
    }

    private func reportLost(_ name: BackendName, _ holding: BackendHoldings) {
        guard holding.running > 0, reported.insert(name).inserted else { return }
        logger.error(
            "a backend that isn't listed has tasks, and nothing tells how it is reached: list it again",
            ["backend": .string(name.string), "tasks": .number(holding.running)])
    }

    /// A backend's name stands for one place as long as tasks run there (architecture: *Failure rules*).
    func refuseMoves(_ definitions: [BackendDefinition], _ known: Known) throws {
        let problems = definitions.compactMap { definition -> String? in
            let running = known.holding(of: definition.name).running
            guard running > 0, let place = place(of: definition.name, known), place != definition.place else {
                return nil
            }
            return """
                Backend \(definition.name) has \(running == 1 ? "1 unfinished task" : "\(running) unfinished tasks") at \
                \(place), so it can't move to \(definition.place): give the new one another name, or wait until they \
                have ended.
                """
        }
        guard problems.isEmpty else { throw StartError(problems.joined(separator: "\n")) }
    }

    private func place(of name: BackendName, _ known: Known) -> String? {
        if let entry = entries[name] { return entry.definition.place }
        // Its secrets don't matter here, and may be out of reach.
        let loader = InventoryLoader(environment: { _ in "x" }, secretFile: { _ in Secret("x") })
        return known.rows[name]?.definition
            .flatMap { try? loader.loadBackend(text: $0, path: "the record") }?.place
    }

    // MARK: What is

    /// Makes it so: first in the record, then in the fleet, where all of it happens at once.
    ///
    /// With `isOurs` somebody changes something here; else the record is followed.
    func settle(_ aims: [Aim], _ known: Known, isOurs: Bool) async throws -> RosterChange {
        var change = RosterChange()
        var next: [BackendName: Entry] = [:]
        var order: [BackendName] = []
        for aim in aims {
            guard let entry = try entry(for: aim, known, &change) else { continue }
            next[aim.definition.name] = entry
            order.append(aim.definition.name)
        }
        for (name, entry) in entries.sorted(by: { $0.key < $1.key }) where next[name] == nil {
            if entry.retiredAt == nil { change.removed.append(name) }
        }
        try await record(&next, known, isOurs: isOurs)
        entries = next
        fleet.assemble(order.compactMap { next[$0]?.member })
        follow(known)
        return change
    }

    /// - Throws: what making the member throws; nil where a retired one can't be made, which holds up nobody else.
    private func entry(for aim: Aim, _ known: Known, _ change: inout RosterChange) throws -> Entry? {
        let name = aim.definition.name
        var entry: Entry
        if var old = entries[name] {
            if old.definition != aim.definition {
                old = try redefine(old, aim.definition)
                change.changed.append(name)
            }
            entry = old
        } else {
            do {
                entry = Entry(definition: aim.definition, member: try make(aim.definition))
            } catch  where aim.source != .file {
                if reported.insert(name).inserted {
                    logger.error(
                        "a backend of the record can't be used",
                        ["backend": .string(name.string), "error": .string("\(error)")])
                }
                return nil
            }
            entry.member.incarnation = nextIncarnation()
            if let row = known.rows[name] { entry.member.recall(row) }
            if aim.source != .retired { change.added.append(name) }
        }
        let wasRetired = entry.member.source == .retired
        if aim.source == .retired {
            if !wasRetired, entries[name] != nil { change.retired.append(name) }
            entry.retiredAt = entry.retiredAt ?? clock.monotonic()
        } else {
            if wasRetired { change.added.append(name) }
            entry.retiredAt = nil
        }
        entry.member.source = aim.source
        entry.member.switches.isRetired = aim.source == .retired
        return entry
    }

    private func redefine(_ old: Entry, _ definition: BackendDefinition) throws -> Entry {
        let fresh = try make(definition)
        var entry = old
        entry.definition = definition
        if definition.isServed(like: old.definition) {
            entry.member = FleetMember(fresh.definition, backend: old.member.backend)
            entry.member.incarnation = old.member.incarnation
        } else {
            entry.member = fresh
            entry.member.incarnation = nextIncarnation()
            if let now = fleet.member(definition.name) {
                entry.member.switches = now.switches
                if definition.place == old.definition.place { entry.member.succeed(now) }
            }
        }
        entry.member.source = old.member.source
        return entry
    }

    /// Switches may have been set elsewhere.
    private func follow(_ known: Known) {
        for name in entries.keys {
            guard let switches = known.rows[name]?.switches else { continue }
            fleet.change(name) { member in
                member.switches.isLocked = switches.isLocked
                member.switches.isDraining = switches.isDraining
            }
        }
    }

    // MARK: The record

    /// Writes what differs, and forgets who isn't needed any more.
    ///
    /// Files of several gateways may differ for a while: only who changes something himself writes over what others wrote, or
    /// they would do so in turn without end.
    private func record(_ next: inout [BackendName: Entry], _ known: Known, isOurs: Bool) async throws(RecordError) {
        var changed: [BackendEntry] = []
        var lost: [BackendName] = []
        for (name, entry) in next.sorted(by: { $0.key < $1.key }) {
            let isPlain = !known.holding(of: name).isEmpty || wasPlacedLately(entries[name])
            let wanted = entry.kept(plain: isPlain)
            let row = known.rows[name]
            let isThere =
                row?.definition == wanted.definition && row?.isAdded == wanted.isAdded
                && row?.switches.isRetired == wanted.isRetired
            let isSecretToGo = entry.definition.hasLiteralSecret && row?.definition == entry.texts.plain
            if row == nil, entries[name] != nil { lost.append(name) }
            if isOurs ? !isThere : row?.definition == nil || (isSecretToGo && wanted.definition != row?.definition) {
                changed.append(wanted)
                next[name]?.isKeptPlain = wanted.definition == entry.texts.plain
            } else {
                next[name]?.isKeptPlain = row?.definition == entry.texts.plain
            }
        }
        try await memory.keep(changed)
        for name in lost { try await restoreSwitches(of: name) }
        for (name, row) in known.rows where next[name] == nil && known.holding(of: name).isEmpty {
            // Another gateway may have it in its file: then it isn't retired there.
            guard isAlone || row.switches.isRetired else { continue }
            try await memory.forget(name)
        }
    }

    /// Another gateway, whose file doesn't list it, has forgotten it.
    private func restoreSwitches(of name: BackendName) async throws(RecordError) {
        guard let switches = fleet.member(name)?.switches, switches.isLocked || switches.isDraining else { return }
        try await memory.setSwitches(
            of: name, locked: switches.isLocked, draining: switches.isDraining, at: clock.timestamp)
    }

    /// Whether a task may be on its way there that the record doesn't show yet.
    private func wasPlacedLately(_ entry: Entry?) -> Bool {
        guard let placedAt = entry?.placedAt else { return false }
        return clock.monotonic() - placedAt < .seconds(60)
    }
}
