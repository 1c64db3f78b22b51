public import Model
public import NodeODM
internal import Reactor
import Synchronization

extension ScaleODMBackend {
    /// An ended task whose console can't be read so often is taken without the rest of it.
    private static let patience = 5
    /// Tasks looked at in one search; the next search goes on with others.
    private static let mostLooks = 500
    /// Names that are remembered as somebody else's.
    private static let mostMarks = 50_000
    /// So long a user interface that isn't there isn't asked for.
    private static let rowsPause = Duration.seconds(600)

    // MARK: A task

    /// Reads a task's state, and its console by the gateway's own numbers.
    ///
    /// Of images it says nothing: the instance counts all that lies below the place, whatever the depth.
    public func status(of task: BackendTaskID, outputFrom line: Int?) async throws(BackendError) -> TaskInfo {
        let task = try await resolve(task)
        var info: TaskInfo
        do throws(ScaleODMError) { info = try await client.task(task) } catch {
            if error.code == .notFound { state.withLock { _ = $0.unfinished.remove(task.string) } }
            throw failure(error)
        }
        info.uuid = task.string
        info.imagesCount = -1
        state.withLock { state in
            if info.status.isFinal {
                state.unfinished.remove(task.string)
            } else {
                state.unfinished.insert(task.string)
            }
            // It says 0 before the start.
            guard info.status != .queued else { return info.processingTime = -1 }
            info.processingTime = max(info.processingTime, state.times[task.string] ?? -1)
            state.times[task.string] = info.processingTime
        }
        if let line { info.output = try await output(of: task, from: max(0, line), isOver: info.status.isFinal) }
        return info
    }

    // MARK: The console

    private func output(
        of task: BackendTaskID, from line: Int, isOver: Bool
    ) async throws(BackendError) -> [String]? {
        var console = state.withLock { $0.consoles[task.string] }
        if console?.lines(from: line) == nil { console = nil }
        do throws(ScaleODMError) {
            if var known = console {
                if !known.append(try await client.output(of: task, from: known.next)) {
                    known.lay(try await client.output(of: task, from: 0))
                }
                console = known
            } else {
                console = TextConsole(try await client.output(of: task, from: 0), from: line)
            }
        } catch {
            if error.code == .cancelled { throw failure(error) }
            // A console never decides about a task; but whoever is told of the end asks for no more lines.
            let tries = state.withLock { state in
                state.unread[task.string, default: 0] += 1
                return state.unread[task.string] ?? 0
            }
            if isOver, error.code != .notFound, tries < Self.patience {
                throw failure(.outcomeUnknown, "the task has ended, and its console can't be read: \(error.message)")
            }
            return console?.lines(from: line)
        }
        let lines = console?.lines(from: line)
        console?.trim(below: line)
        let rest = console
        state.withLock { state in
            state.unread[task.string] = nil
            state.consoles[task.string] = rest
        }
        return lines
    }

    // MARK: Names

    /// The instance's name of a task.
    /// - Throws: `unknownTask` where no task there has the mark.
    func resolve(_ task: BackendTaskID) async throws(BackendError) -> BackendTaskID {
        guard ScaleODMMark.isOne(task) else { return task }
        guard let found = try await find(task.string) else {
            throw failure(.unknownTask, "no task there has the name \(task)")
        }
        return found
    }

    /// Looks for a task by its mark: among the workflows, and among the rows of the user interface, which outlive those.
    /// - Returns: nil where it isn't to be seen, which proves nothing.
    /// - Throws: where the instance can't be asked.
    func find(_ mark: String) async throws(BackendError) -> BackendTaskID? {
        if let known = state.withLock({ $0.named[mark] }) { return known }
        var looks = 0
        for task in try await asked({ () throws(ScaleODMError) in try await client.list() }) {
            if let seen = state.withLock({ $0.marks[task.string] }) {
                // It may have been seen while another mark was looked for.
                guard seen == mark else { continue }
                note(task, as: mark)
                return task
            }
            looks += 1
            guard looks <= Self.mostLooks else {
                throw failure(.outcomeUnknown, "it has more tasks than can be looked at at once")
            }
            guard let told = try await self.mark(of: task) else { continue }
            state.withLock { state in
                if state.marks.count >= Self.mostMarks { state.marks = [:] }
                state.marks[task.string] = told
            }
            if told == mark {
                note(task, as: mark)
                return task
            }
        }
        return try await findRow(mark)
    }

    /// The name of a task's project; nil for a workflow without a row: it is somebody else's, or its row comes later.
    private func mark(of task: BackendTaskID) async throws(BackendError) -> String? {
        do throws(ScaleODMError) { return try await client.task(task).name } catch {
            guard error.code == .notFound else { throw failure(error) }
            return nil
        }
    }

    private func findRow(_ mark: String) async throws(BackendError) -> BackendTaskID? {
        let now = clock.monotonic()
        if let until = state.withLock({ $0.noRowsUntil }), now < until { return nil }
        guard let rows = try await asked({ () throws(ScaleODMError) in try await client.rows() }) else {
            state.withLock { $0.noRowsUntil = now + Self.rowsPause }
            return nil
        }
        let row = rows.first { $0["projectId"]?.text == mark || $0["name"]?.text == mark }
        guard let task = (row?["workflowName"]?.text ?? row?["uuid"]?.text).map({ BackendTaskID($0) }) else {
            return nil
        }
        note(task, as: mark)
        return task
    }
}
