internal import Configuration
internal import HTTPTypes
internal import Model
internal import Observability
internal import Reactor
internal import Record

/// What an operator changes while the gateway runs.
extension Roster {
    /// Sets the switches that are given; they hold over restarts, and on every gateway of the record.
    /// - Throws: `AdminError` where there is no such backend; `RecordError`.
    func setSwitches(of name: BackendName, locked: Bool? = nil, draining: Bool? = nil) async throws {
        try await inTurn {
            guard entries[name] != nil else { throw Self.unknown(name) }
            let switches = try await memory.setSwitches(
                of: name, locked: locked, draining: draining, at: clock.timestamp)
            fleet.change(name) { member in
                member.switches.isLocked = switches.isLocked
                member.switches.isDraining = switches.isDraining
            }
            logger.info(
                "backend switched",
                [
                    "backend": .string(name.string), "locked": .bool(switches.isLocked),
                    "draining": .bool(switches.isDraining),
                ])
        }
    }

    /// Adds a backend beside those of the file; it is kept in the record until it is removed in the same way.
    /// - Parameter text: its definition, as an entry of the inventory.
    /// - Returns: its name.
    /// - Throws: `AdminError` for a definition that can't be used, and for a name that is taken; `RecordError`.
    func add(_ text: String) async throws -> BackendName {
        try await inTurn {
            let definition: BackendDefinition
            do throws(InventoryError) {
                definition = try Self.loaderOfAdded.loadBackend(text: text, path: "backend")
            } catch {
                throw AdminError(.badRequest, error.problems.map(\.message).joined(separator: "; "))
            }
            let name = definition.name
            if let entry = entries[name], entry.member.source != .retired {
                throw AdminError(.conflict, "There is a backend \(name) already.")
            }
            let known = try await Known(memory, withAnswers: false)
            var entry: Entry
            do {
                try refuseMoves([definition], known)
                entry = Entry(definition: definition, member: try make(definition))
            } catch let error as StartError {
                throw AdminError(.conflict, error.description)
            }
            entry.member.source = .added
            try await memory.keep([entry.kept(plain: true)])
            try await settleAnew()
            return name
        }
    }

    /// Removes a backend that was added at run time: it is retired, and gone once it has nothing of ours any more.
    /// - Parameters:
    ///   - name: which one.
    ///   - givesUp: whether a retired one that will never be back is forgotten with all that it has of ended tasks.
    /// - Throws: `AdminError` where it can't be; `RecordError`.
    func remove(_ name: BackendName, givesUp: Bool) async throws {
        try await inTurn {
            guard var entry = entries[name] else { throw Self.unknown(name) }
            switch entry.member.source {
            case .file:
                throw AdminError(
                    .conflict, "Backend \(name) is listed in the inventory: take it out there, and it is retired.")
            case .added:
                entry.member.source = .retired
                try await memory.keep([entry.kept(plain: true)])
            case .retired:
                guard givesUp else {
                    throw AdminError(.conflict, "Backend \(name) is retired, and goes once it has nothing any more.")
                }
                let holding = try await memory.holdings()[name] ?? BackendHoldings()
                guard holding.running == 0 else {
                    throw AdminError(
                        .conflict, "Backend \(name) has \(holding.running) unfinished tasks: evacuate it first.")
                }
                try await memory.giveUp(name)
                entries[name]?.retiredAt = MonotonicTime(
                    nanoseconds: clock.monotonic().nanoseconds - Self.interval.inNanoseconds)
            }
            try await settleAnew()
        }
    }

    private func settleAnew() async throws {
        let known = try await Known(memory, withAnswers: false)
        let change = try await settle(target(listed, known, isStart: false), known, isOurs: true)
        if change != RosterChange() { logger.info("backends changed", change.logged) }
    }

    private static func unknown(_ name: BackendName) -> AdminError {
        AdminError(.notFound, "There is no backend \(name).")
    }
}
