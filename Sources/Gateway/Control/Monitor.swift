internal import Backends
internal import Model
internal import NodeODM
internal import Observability
internal import Reactor
internal import Record

/// Reads the load of every backend, each in its own time.
struct Monitor: Service {
    let name = "monitor"
    let fleet: Fleet
    let memory: BackendMemory
    let placement: WakeUp
    let clock: any WorldClock
    /// How often each backend is read.
    let refresh: Duration
    let logger: Logger

    /// The options of an engine change only with its version; a node that was updated in place shows it after so many reads.
    private static let readsPerOptions = 60

    func run() async throws {
        try await fleet.forEach { member in try await watch(member) }
    }

    private func watch(_ member: FleetMember) async throws {
        let name = member.definition.name
        var reads = 0
        while true {
            let wasOnline = fleet.member(name)?.isOnline(offlineAfter: fleet.offlineAfter) ?? false
            let before = clock.monotonic()
            let seen = fleet.member(name).map { ($0.acceptedSinceRead, $0.endedSinceRead) } ?? (0, 0)
            do throws(BackendError) {
                let load = try await member.backend.load()
                let latency = clock.monotonic() - before
                let isNews = noteLoad(load, of: name, latency: latency, seen: seen)
                if isNews || reads % Self.readsPerOptions == 0 { await readOptions(of: member) }
                reads += 1
                if isNews { await remember(load, of: name) }
                if !wasOnline { logger.info("backend is online", ["backend": .string(name.string)]) }
            } catch  where error.code == .cancelled {
                throw CancellationError()
            } catch {
                noteFailure(error, of: name, wasOnline: wasOnline)
            }
            placement.wake()
            try await clock.sleep(for: refresh)
        }
    }

    /// - Returns: whether engine or version differ from what was known.
    private func noteLoad(
        _ load: BackendLoad, of name: BackendName, latency: Duration, seen: (accepted: Int, ended: Int)
    ) -> Bool {
        var isNews = false
        fleet.change(name) { member in
            isNews = member.load?.engineVersion != load.engineVersion || member.catalog == nil
            member.load = load
            member.loadReadAt = clock.monotonic()
            member.latency = latency
            // What happened while the reading was under way may be missing in it.
            member.acceptedSinceRead -= seen.accepted
            member.endedSinceRead -= seen.ended
            member.failuresInARow = 0
            member.lastError = nil
            member.silence = .zero
            member.silenceCountedAt = nil
        }
        return isNews
    }

    private func noteFailure(_ error: BackendError, of name: BackendName, wasOnline: Bool) {
        let reachesAnother = fleet.members.contains { other in
            other.definition.name != name && other.loadReadAt != nil && other.failuresInARow == 0
        }
        let now = clock.monotonic()
        let member = fleet.change(name) { member in
            member.failuresInARow += 1
            member.lastError = error.message
            guard error.code.isSilence else {
                member.silence = .zero
                member.silenceCountedAt = nil
                return
            }
            // While nobody answers, it may be us who are cut off.
            if let last = member.silenceCountedAt, reachesAnother { member.silence += now - last }
            member.silenceCountedAt = now
        }
        let isOnline = member?.isOnline(offlineAfter: fleet.offlineAfter) ?? false
        guard wasOnline != isOnline || member?.failuresInARow == 1 else { return }
        let metadata: [String: LogValue] = [
            "backend": .string(name.string), "code": .string(error.code.rawValue), "error": .string(error.message),
        ]
        if wasOnline, !isOnline {
            let advice: LogValue = "its tasks wait for it; check that it runs and that its url and token are right"
            logger.warning("backend is offline", metadata.merging(["advice": advice]) { $1 })
        } else {
            logger.info("backend did not answer", metadata)
        }
    }

    private func readOptions(of member: FleetMember) async {
        let name = member.definition.name
        do throws(BackendError) {
            let catalog = try await member.options()
            fleet.change(name) { $0.catalog = catalog }
            var json = JSONWriter(reserving: 32_768)
            catalog.encode(into: &json)
            try? await memory.remember(
                name, info: nil, options: String(decoding: json.bytes, as: UTF8.self), at: now)
        } catch {
            logger.info(
                "options of backend not read", ["backend": .string(name.string), "error": .string(error.message)])
        }
    }

    private func remember(_ load: BackendLoad, of name: BackendName) async {
        try? await memory.remember(name, info: load.json, options: nil, at: now)
    }

    private var now: Timestamp { clock.timestamp }
}

extension BackendError.Code {
    /// Whether nothing at all was heard of the backend. A refused token or a limit is an answer.
    fileprivate var isSilence: Bool {
        switch self {
        case .notSent, .outcomeUnknown, .malformedAnswer: true
        case .refused, .busy, .unauthorized, .unknownTask, .uploadLost, .identityRefused: false
        case .inputsUnreadable, .inputsMissing, .cancelled: false
        }
    }
}
