public import Model
internal import SQL

/// What the admin API's list shows.
public struct TaskFilter: Sendable, Equatable {
    /// Only tasks in this state.
    public var state: TaskState?
    /// Only tasks whose current attempt is on this backend.
    public var backend: BackendName?
    /// Only tasks whose name or identity contains this, without regard to case.
    public var text: String?
    /// Only tasks of the token of this name; an empty name: only those that were sent without a token.
    public var owner: String?

    /// Nothing given shows all.
    public init(state: TaskState? = nil, backend: BackendName? = nil, text: String? = nil, owner: String? = nil) {
        self.state = state
        self.backend = backend
        self.text = text
        self.owner = owner
    }
}

/// Where the next page of a list begins.
public struct TaskCursor: Sendable, Equatable {
    /// When the last task of this page was created.
    public var createdAt: Timestamp
    /// Its identity, in lower case.
    public var key: String

    /// The position behind a task.
    public init(createdAt: Timestamp, key: String) {
        self.createdAt = createdAt
        self.key = key
    }
}

/// One page of a list.
public struct TaskPage: Sendable, Equatable {
    /// The newest first.
    public var tasks: [TaskRecord]
    /// Where the next page begins; nil at the end.
    public var next: TaskCursor?
}

/// How many tasks of one owner are in one state.
public struct TaskCount: Sendable, Equatable {
    /// The token's name; nil for tasks without one.
    public var owner: String?
    /// The state.
    public var state: TaskState
    /// How many.
    public var count: Int
}

/// Lists and counts.
extension TaskStore {
    /// `/task/list`: the committed tasks that the caller sees, in the order of their commits.
    public func list(for scope: OwnerScope) async throws(RecordError) -> [TaskID] {
        let statement =
            switch scope {
            case .everything: SQLText.all()
            case .owner(let name?): SQLText.owned(.text(name))
            case .owner(nil): SQLText.anonymous()
            }
        return try await rows(of: statement) { row in
            var reader = RowReader(row)
            return try reader.task()
        }
    }

    /// One page of all tasks for the admin API, the newest first; uploads are among them, removed ones aren't.
    public func page(
        _ filter: TaskFilter = .init(), after: TaskCursor? = nil, limit: Int
    ) async throws(RecordError) -> TaskPage {
        let limit = max(1, min(limit, 1000))
        let values: [SQLValue] = [
            SQLValue(filter.state), SQLValue(filter.backend), .cleaned(filter.text.map(Self.pattern)),
            SQLValue(after?.createdAt.milliseconds ?? .max), .cleaned(after?.key ?? ""), SQLValue(limit + 1),
            .cleaned(filter.owner),
        ]
        var tasks = try await rows(of: SQLText.page(values)) { row in try TaskRecord(joined: row) }
        guard tasks.count > limit else { return TaskPage(tasks: tasks, next: nil) }
        tasks.removeLast()
        return TaskPage(tasks: tasks, next: tasks.last.map { TaskCursor(createdAt: $0.createdAt, key: $0.id.key) })
    }

    /// How many committed tasks there are, by owner and state; with `unfinishedOnly` only the queued, dispatching and
    /// placed ones are counted, without a look at the others.
    public func counts(unfinishedOnly: Bool) async throws(RecordError) -> [TaskCount] {
        try await rows(of: unfinishedOnly ? SQLText.unfinishedCounts() : SQLText.counts()) { row in
            var reader = RowReader(row)
            return TaskCount(
                owner: try reader.textIfPresent(), state: try reader.word(TaskState.self), count: try reader.int())
        }
    }

    /// A LIKE pattern that finds the text anywhere; its own wildcards are taken literally.
    private static func pattern(containing text: String) -> String {
        var pattern = "%"
        for character in text.lowercased() {
            if "\\%_".contains(character) { pattern.append("\\") }
            pattern.append(character)
        }
        return pattern + "%"
    }

    private enum SQLText {
        private static let isListed = "committed_at IS NOT NULL AND intent <> 'remove'"
        static let all = Statement(
            "task.list", "SELECT spelling FROM tasks WHERE \(isListed) ORDER BY committed_at, id")
        static let owned = Statement(
            "task.list_owned",
            "SELECT spelling FROM tasks WHERE owner = $1 AND \(isListed) ORDER BY committed_at, id")
        static let anonymous = Statement(
            "task.list_anonymous",
            "SELECT spelling FROM tasks WHERE owner IS NULL AND \(isListed) ORDER BY committed_at, id")
        static let page = Statement(
            "task.page",
            """
            \(TaskRecord.joined)
            WHERE tasks.intent <> 'remove'
                AND (CAST($1 AS TEXT) IS NULL OR tasks.state = $1)
                AND (CAST($2 AS TEXT) IS NULL OR attempts.backend = $2)
                AND (CAST($3 AS TEXT) IS NULL OR LOWER(tasks.name) LIKE $3 ESCAPE '\\' OR tasks.id LIKE $3 ESCAPE '\\')
                AND (CAST($7 AS TEXT) IS NULL OR COALESCE(tasks.owner, '') = $7)
                AND (tasks.created_at < $4 OR (tasks.created_at = $4 AND tasks.id < $5))
            ORDER BY tasks.created_at DESC, tasks.id DESC LIMIT $6
            """)
        static let counts = Statement(
            "task.counts",
            "SELECT owner, state, COUNT(*) FROM tasks WHERE \(isListed) GROUP BY owner, state")
        static let unfinishedCounts = Statement(
            "task.counts_unfinished",
            """
            SELECT owner, state, COUNT(*) FROM tasks WHERE state IN ('queued', 'dispatching', 'placed')
            GROUP BY owner, state
            """)
    }
}
