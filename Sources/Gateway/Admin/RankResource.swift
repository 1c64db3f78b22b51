internal import HTTPTypes
internal import Model
internal import NodeODM
internal import Scheduling

/// POST /api/rank: where a task would go if it were committed now, with the policy's own reason for each backend.
struct RankResource: Sendable {
    let dispatcher: Dispatcher
    let fleet: Fleet

    /// How every backend stands with such a task.
    /// - Parameter call: may have `images`, `bytes`, `options` and `labels`.
    /// - Returns: `{"candidates": […], "chosen": NAME or null}`.
    /// - Throws: `AdminError` for what can't be read; the record's errors.
    func answer(_ call: AdminCall) async throws -> AdminReply {
        let ranking = try await dispatcher.rank(
            images: try Self.number(call, "images") ?? 0, size: ByteCount(Int64(try Self.number(call, "bytes") ?? 0)),
            options: try options(call), labels: try Self.labels(call))
        return .object { json in
            json.key("candidates")
            json.beginArray()
            var rank = 0
            for candidate in ranking.candidates {
                if candidate.isAble { rank += 1 }
                Self.write(candidate, rank: candidate.isAble ? rank : nil, ranking.placement, into: &json)
            }
            json.endArray()
            json.key("chosen")
            if let placement = ranking.placement { json.string(placement.backend.string) } else { json.null() }
        }
    }

    private static func write(
        _ candidate: Candidate, rank: Int?, _ placement: Placement?, into json: inout JSONWriter
    ) {
        json.beginObject()
        json.member("backend", candidate.backend.string)
        json.member("kind", candidate.kind.rawValue)
        json.member("tier", candidate.tier)
        json.key("eligible")
        json.bool(candidate.isEligible)
        json.member("reason", placement?.backend == candidate.backend ? placement?.text ?? "" : candidate.text)
        json.key("predictedWait")
        if let time = candidate.predictedTime { json.double(time / .seconds(1)) } else { json.null() }
        json.key("rank")
        if let rank { json.integer(rank) } else { json.null() }
        json.endObject()
    }

    // MARK: The question

    private static func number(_ call: AdminCall, _ name: String) throws(AdminError) -> Int? {
        guard let value = call[name], value != .null else { return nil }
        guard let number = value.integer, number >= 0 else {
            throw AdminError(.badRequest, "`\(name)` must be a whole number from 0.")
        }
        return Int(number)
    }

    /// The names of those that the client set and the fleet knows, as for a task; what can't be a value of its option is refused.
    private func options(_ call: AdminCall) throws(AdminError) -> Set<String> {
        guard let value = call["options"], value != .null else { return [] }
        guard let entries = value.array else {
            throw AdminError(.badRequest, "`options` must be an array of {\"name\", \"value\"}.")
        }
        switch fleet.catalog.validate(options: value) {
        case .success(let valid): return Set(valid.map(\.name)).intersection(entries.compactMap { $0["name"]?.text })
        case .failure(let errors): throw AdminError(.badRequest, errors.message)
        }
    }

    private static func labels(_ call: AdminCall) throws(AdminError) -> [String: String] {
        guard let value = call["labels"], value != .null else { return [:] }
        guard let members = value.members else {
            throw AdminError(.badRequest, "`labels` must be an object of texts.")
        }
        var labels: [String: String] = [:]
        for member in members {
            guard let text = member.value.text else {
                throw AdminError(.badRequest, "`labels.\(member.name)` must be a text.")
            }
            labels[member.name] = text
        }
        return labels
    }
}
