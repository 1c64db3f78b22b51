internal import HTTPTypes
internal import Model
internal import NodeODM
internal import Record

/// GET /api/tasks/{uuid}/output: a task's console, a part at a time, from memory and the record.
struct OutputResource: Sendable {
    let lookup: TaskLookup

    /// So many lines an answer; who follows asks for the next ones.
    private static let limit = 10_000
    /// What may be asked for.
    static let lines = -1_000_000_000...1_000_000_000

    /// Some lines, and the number of the line behind them.
    /// - Parameters:
    ///   - id: the task.
    ///   - line: the first one, counted from 0, or so many at the end if it is negative.
    /// - Returns: `{"lines": […], "next": N}`; an N below what was asked for tells that the console began anew.
    /// - Throws: `AdminError`.
    func answer(_ id: TaskID, from line: Int) async throws(AdminError) -> AdminReply {
        do throws(APIError) {
            let task = try await lookup.task(id, for: .everybody)
            let wanted = (line < 0 ? OutputWindow.last(-line) : .from(line)).range(of: task.tail.end)
            let part = wanted.lowerBound..<min(wanted.upperBound, wanted.lowerBound + Self.limit)
            return Self.reply(try await lookup.lines(in: part, of: task), next: part.upperBound)
        } catch {
            guard case .refused = error else { throw Self.away }
            guard try await isArriving(id) else { throw AdminRoutes.noSuchTask }
            return Self.reply([], next: 0)
        }
    }

    /// Whether the files of the task are still arriving: it has no console yet.
    private func isArriving(_ id: TaskID) async throws(AdminError) -> Bool {
        do throws(RecordError) { return try await lookup.store.record(of: id)?.state == .receiving } catch {
            throw Self.away
        }
    }

    private static let away = AdminError(.serviceUnavailable, "The gateway's database is away; try again.")

    private static func reply(_ lines: [String], next: Int) -> AdminReply {
        .object { json in
            json.key("lines")
            json.beginArray()
            for line in lines { json.string(line) }
            json.endArray()
            json.member("next", next)
        }
    }
}
