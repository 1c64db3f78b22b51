public import Model
internal import SQL

/// What became of an init.
public enum CreateOutcome: Sendable, Equatable {
    /// The task is new.
    case created
    /// It was initialised before and not committed: the fields are the new ones, its files stay.
    case overwritten
    /// The identity is taken, by a committed task or by somebody else's.
    case exists
}

/// What became of a stored file.
public enum AddFileOutcome: Sendable, Equatable {
    /// It belongs to the task now, under the name that it came with.
    case added
    /// A file of this content is there under this name already: a retry; the new object isn't needed.
    case alreadyThere(name: String)
    /// Its name was taken by other content: it belongs to the task under this one.
    case renamed(String)
    /// No free name could be made of it.
    case nameTooLong
    /// No such upload, or it is committed, or abandoned.
    case notReceiving
}

/// What became of a commit.
public enum CommitOutcome: Sendable, Equatable {
    /// The task is queued, with so many images.
    case committed(images: Int, bytes: ByteCount)
    /// It was committed before, by the same owner.
    case alreadyCommitted
    /// Not a single file was uploaded; nothing was changed.
    case noFiles
    /// The caller sees no such task.
    case unknown
}

/// Init, upload and commit.
extension TaskStore {
    /// Records an init. Of two that name the same identity at once, one is `.created`.
    public func create(_ task: NewTask, at: Timestamp) async throws(RecordError) -> CreateOutcome {
        try await transition(at: at) { transition in
            let row = try await transition.session.query(SQLText.create(Self.values(of: task, at: at))).first
            guard let row else { return .exists }
            let isNew = try row.integer(0) == 1
            if isNew { try await transition.tell(.initialized, of: task.id) }
            if !task.remark.isEmpty { try await transition.tell(.note, of: task.id, task.remark) }
            guard isNew else { return .overwritten }
            transition.note(TaskMove(from: nil, to: .receiving, at: at))
            return .created
        }
    }

    private static func values(of task: NewTask, at: Timestamp) -> [SQLValue] {
        [
            SQLValue(task.id), .text(task.id.string), SQLValue(task.owner), .cleaned(task.name), .cleaned(task.options),
            SQLValue(task.skipPostProcessing), .cleaned(task.webhook), .cleaned(task.outputs), .cleaned(task.zipURL),
            SQLValue(task.priority), SQLValue(task.dateCreated), SQLValue(at), .cleaned(task.objectStorage),
            SQLValue(task.foundImages), SQLValue(task.foundBytes),
        ]
    }

    /// Adds a stored file to an upload; the object must be durable by then.
    ///
    /// Same name and same digest is a retry. Same name and other content gets `_` before the extension, as often as
    /// needed (contract 2.4): `A.JPG`, `A_.JPG`, `A__.JPG`.
    ///
    /// One statement, which holds only while the task is receiving and doesn't write the task's row: clients send many
    /// files of a task at once, and none of them waits for another.
    public func addFile(
        _ file: InputFile, to task: TaskID, for scope: OwnerScope, at: Timestamp
    ) async throws(RecordError) -> AddFileOutcome {
        guard lease == nil else {
            return try await transition(at: at) { transition in
                try await add(file, to: task, for: scope, at: at, in: transition.session)
            }
        }
        do {
            return try await add(file, to: task, for: scope, at: at, in: database)
        } catch {
            throw RecordError(error)
        }
    }

    private func add(
        _ file: InputFile, to task: TaskID, for scope: OwnerScope, at: Timestamp, in session: any DatabaseSession
    ) async throws -> AddFileOutcome {
        let insert = database.dialect == .postgresql ? FileText.addSharingLock : FileText.add
        var name = file.name
        while name.utf8.count <= InputFile.longestName {
            let added = try await session.execute(
                insert(
                    SQLValue(task), scope.isEverything, scope.ownerValue, .text(name), SQLValue(file.size),
                    .text(file.digest), .text(file.storageKey), SQLValue(at)))
            if added == 1 { return name == file.name ? .added : .renamed(name) }
            let taken = try await session.query(
                FileText.taken(SQLValue(task), scope.isEverything, scope.ownerValue, .text(name))
            ).first
            guard let taken else { return .notReceiving }
            let digest = try taken.textIfPresent(0)
            if digest == file.digest { return .alreadyThere(name: name) }
            // Without a digest the file that was in the way is gone by now.
            if digest != nil { name = InputFile.nextName(after: name) }
        }
        return .nameTooLong
    }

    /// Notes that data of an upload is arriving: it isn't stale. Written only where that is news, since it comes often.
    /// - Returns: false if there is no such upload (any more).
    public func touch(_ task: TaskID, for scope: OwnerScope, at: Timestamp) async throws(RecordError) -> Bool {
        let values = [SQLValue(task), scope.isEverything, scope.ownerValue]
        let last = try await rows(of: SQLText.lastData(values)) { row in
            var reader = RowReader(row)
            return try reader.time()
        }.first
        guard let last else { return false }
        guard at - last >= Self.touchEvery else { return true }
        return try await execute(SQLText.touch(values + [SQLValue(at)])) == 1
    }

    private static let touchEvery = Duration.seconds(10)

    /// A task's files, by name.
    public func files(of task: TaskID) async throws(RecordError) -> [InputFile] {
        try await rows(of: FileText.all(SQLValue(task))) { row in try InputFile(row: row) }
    }

    /// Whether a file of that very name is among a task's inputs.
    public func hasFile(_ name: String, of task: TaskID) async throws(RecordError) -> Bool {
        try await !rows(of: FileText.digest(SQLValue(task), .text(name))) { row in try row.text(0) }.isEmpty
    }

    /// Ends an upload: from now on the gateway owns the task. Durable when it returns.
    ///
    /// With `fetching` the inputs, or more of them, are still to be fetched from `zipurl`: the task needs no files yet, is
    /// queued, shows 20 and isn't placed until `finishFetch`.
    public func commit(
        _ task: TaskID, for scope: OwnerScope, fetching: Bool = false, at: Timestamp
    ) async throws(RecordError) -> CommitOutcome {
        try await transition(at: at) { transition in
            guard let record = try await transition.lock(task, for: scope) else { return .unknown }
            guard record.state == .receiving else { return .alreadyCommitted }
            let files = try await transition.files(of: task)
            guard fetching || !files.isEmpty || record.objectStorage != nil else { return .noFiles }
            // What was found in object storage was counted at the init.
            let counted = files.counted
            let (images, bytes) = (counted.images + record.images, counted.bytes + record.bytes)
            try await transition.change(
                SQLText.commit(
                    SQLValue(task), SQLValue(at), SQLValue(images), SQLValue(bytes), SQLValue(fetching),
                    SQLValue(InputKinds(of: files).rawValue)))
            transition.moved(record, to: .queued)
            try await transition.tell(
                .committed, of: task, "\(images) images, \(files.count) files, \(bytes)")
            if fetching { try await transition.tell(.fetchStarted, of: task) }
            return .committed(images: images, bytes: bytes)
        }
    }

    private enum SQLText {
        /// The owner's own uncommitted task is initialised anew; any other is left alone, and no row comes back.
        static let create = Statement(
            "task.create",
            """
            INSERT INTO tasks (id, spelling, owner, name, options, skip_post_processing, webhook, outputs, zip_url,
                priority, state, date_created, created_at, data_at, object_storage, images, bytes, inputs_removed_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'receiving', $11, $12, $12, $13, $14, $15,
                CASE WHEN CAST($13 AS TEXT) IS NULL THEN NULL ELSE CAST($12 AS BIGINT) END)
            ON CONFLICT (id) DO UPDATE SET spelling = excluded.spelling, name = excluded.name,
                options = excluded.options, skip_post_processing = excluded.skip_post_processing,
                webhook = excluded.webhook, outputs = excluded.outputs, zip_url = excluded.zip_url,
                priority = excluded.priority, date_created = excluded.date_created, data_at = excluded.data_at,
                object_storage = excluded.object_storage, images = excluded.images, bytes = excluded.bytes,
                inputs_removed_at = excluded.inputs_removed_at,
                revision = tasks.revision + 1
            WHERE tasks.state = 'receiving' AND tasks.intent = 'none'
                AND tasks.owner IS NOT DISTINCT FROM excluded.owner
            RETURNING revision
            """)
        static let lastData = Statement("task.last_data", "SELECT data_at FROM tasks WHERE \(FileText.isReceiving)")
        static let touch = Statement(
            "task.touch", "UPDATE tasks SET data_at = $4 WHERE \(FileText.isReceiving)")
        static let commit = Statement(
            "task.commit",
            """
            UPDATE tasks SET state = 'queued', waiting = 0, committed_at = $2, queued_at = $2, images = $3, bytes = $4,
                fetching = $5, input_kinds = $6
            WHERE id = $1 AND state = 'receiving'
            """)
    }
}

/// The statements on a task's files, used by uploads and fetches.
enum FileText {
    static let all = Statement(
        "file.list", "SELECT name, bytes, digest, storage_key FROM files WHERE task = $1 ORDER BY name")
    /// The upload `$1` of who may see it: of everybody where `$2` is 1, else of `$3`.
    static let isReceiving = """
        tasks.id = $1 AND tasks.state = 'receiving' AND tasks.intent = 'none'
            AND (CAST($2 AS BIGINT) = 1 OR tasks.owner IS NOT DISTINCT FROM CAST($3 AS TEXT))
        """
    static let add = Statement("file.add", addText(locking: Dialect.sqlite.shareLocked))
    static let addSharingLock = Statement("file.add", addText(locking: Dialect.postgresql.shareLocked))
    /// A commit waits for this, and this for a commit, after which nothing is inserted any more.
    private static func addText(locking: String) -> String {
        """
        INSERT INTO files (task, name, bytes, digest, storage_key, fetched, stored_at)
        SELECT tasks.id, CAST($4 AS TEXT), CAST($5 AS BIGINT), CAST($6 AS TEXT), CAST($7 AS TEXT), 0, CAST($8 AS BIGINT)
        FROM tasks WHERE \(isReceiving)\(locking)
        ON CONFLICT (task, name) DO NOTHING
        """
    }
    static let taken = Statement(
        "file.taken",
        """
        SELECT files.digest FROM tasks LEFT JOIN files ON files.task = tasks.id AND files.name = CAST($4 AS TEXT)
        WHERE \(isReceiving)
        """)
    static let digest = Statement("file.digest", "SELECT digest FROM files WHERE task = $1 AND name = $2")
    static let insert = Statement(
        "file.insert",
        """
        INSERT INTO files (task, name, bytes, digest, storage_key, fetched, stored_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """)
}

extension Transition {
    /// A task's files, by name.
    func files(of task: TaskID) async throws -> [InputFile] {
        try await session.query(FileText.all(SQLValue(task))).map { try InputFile(row: $0) }
    }

    /// Inserts a file under the first name that is free, or finds that it is there. The task's row is locked.
    func insert(_ file: InputFile, into task: TaskID, fetched: Bool) async throws -> AddFileOutcome {
        var name = file.name
        while name.utf8.count <= InputFile.longestName {
            let taken = try await session.query(FileText.digest(SQLValue(task), .text(name))).first
            guard let taken else {
                try await session.execute(
                    FileText.insert(
                        SQLValue(task), .text(name), SQLValue(file.size), .text(file.digest), .text(file.storageKey),
                        SQLValue(fetched), SQLValue(at)))
                return name == file.name ? .added : .renamed(name)
            }
            if try taken.text(0) == file.digest { return .alreadyThere(name: name) }
            name = InputFile.nextName(after: name)
        }
        return .nameTooLong
    }
}

extension InputFile {
    /// What file systems take as one name.
    static let longestName = 255

    init(row: Row) throws {
        var reader = RowReader(row)
        self.init(
            name: try reader.text(), size: ByteCount(try reader.integer()), digest: try reader.text(),
            storageKey: try reader.text())
    }

    /// The name that a second file of this name gets: `_` before the extension.
    static func nextName(after name: String) -> String {
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return name + "_" }
        return name[..<dot] + "_" + name[dot...]
    }
}

extension [InputFile] {
    /// How many of them are images, and the size of all.
    var counted: (images: Int, bytes: ByteCount) {
        var images = 0
        var bytes: ByteCount = 0
        for file in self {
            if file.isImage { images += 1 }
            bytes = bytes + file.size
        }
        return (images, bytes)
    }
}
