public import Model
public import SQL

/// One URL that is to be told of one end of one task.
public struct WebhookDelivery: Sendable, Equatable {
    /// Unique for this end and this URL: what receivers deduplicate by.
    public var id: String
    /// Which task, in lower case; with a payload it may be gone.
    public var task: String
    /// The attempt that ended; 0 where none was made.
    public var attempt: Int
    /// Where to post.
    public var url: String
    /// What to post; nil: to be built from the record.
    public var payload: String?
    /// How often it was tried without success.
    public var tries: Int
    /// When the task ended.
    public var enqueuedAt: Timestamp
}

/// The webhooks that are still to be delivered. They are put in by the transition that ends a task.
public struct WebhookOutbox: Sendable {
    private let database: any Database

    /// The outbox in a migrated database.
    public init(_ database: any Database) { self.database = database }

    /// Claims what is due, oldest first: nobody else gets it before `lease` is over.
    public func claim(lease: Duration, limit: Int, at: Timestamp) async throws(RecordError) -> [WebhookDelivery] {
        let claim = database.dialect == .postgresql ? SQLText.claimSkippingLocked : SQLText.claim
        do {
            return try await database.query(claim(SQLValue(at), SQLValue(at + lease), SQLValue(limit)))
                .map { try WebhookDelivery(row: $0) }
                .sorted { ($0.enqueuedAt, $0.id) < ($1.enqueuedAt, $1.id) }
        } catch {
            throw RecordError(error)
        }
    }

    /// Gives back what is claimed by anybody.
    public func releaseClaims() async throws(RecordError) {
        do { _ = try await database.execute(SQLText.release()) } catch { throw RecordError(error) }
    }

    /// It was taken.
    /// - Returns: false if it was done with already.
    @discardableResult
    public func delivered(_ delivery: WebhookDelivery, at: Timestamp) async throws(RecordError) -> Bool {
        try await close(delivery, .webhookDelivered, state: "delivered", error: nil, at: at)
    }

    /// It wasn't taken: to be tried again at `due`.
    @discardableResult
    public func retry(
        _ delivery: WebhookDelivery, due: Timestamp, error: String, at: Timestamp
    ) async throws(RecordError) -> Bool {
        do {
            return try await database.execute(SQLText.retry(.text(delivery.id), SQLValue(due), .cleaned(error))) == 1
        } catch {
            throw RecordError(error)
        }
    }

    /// It is given up for good.
    @discardableResult
    public func giveUp(_ delivery: WebhookDelivery, error: String, at: Timestamp) async throws(RecordError) -> Bool {
        try await close(delivery, .webhookGivenUp, state: "failed", error: error, at: at)
    }

    private func close(
        _ delivery: WebhookDelivery, _ event: EventKind, state: String, error: String?, at: Timestamp
    ) async throws(RecordError) -> Bool {
        do {
            return try await database.transaction(.lockedRow) { session in
                let transition = Transition(session: session, at: at)
                // The task first, as everywhere, so that no two transactions wait for each other.
                let task = TaskID(delivery.task)
                let isThere = if let task { try await transition.lock(task) != nil } else { false }
                let closed = try await session.execute(
                    SQLText.close(.text(delivery.id), .text(state), SQLValue(at), .cleaned(error)))
                guard closed == 1 else { return false }
                if let task, isThere {
                    let detail = error.map { "\(delivery.id): \($0)" } ?? delivery.id
                    try await transition.tell(event, of: task, attempt: delivery.attempt, detail)
                }
                return true
            }
        } catch {
            throw RecordError(error)
        }
    }

    private enum SQLText {
        static let claim = Statement("webhook.claim", claimText(locking: Dialect.sqlite.skipLocked))
        static let claimSkippingLocked = Statement("webhook.claim", claimText(locking: Dialect.postgresql.skipLocked))

        private static func claimText(locking: String) -> String {
            """
            UPDATE webhooks SET claimed_until = $2
            WHERE state = 'pending' AND claimed_until <= $1 AND id IN (
                SELECT id FROM webhooks WHERE state = 'pending' AND due_at <= $1 AND claimed_until <= $1
                ORDER BY due_at, id LIMIT $3\(locking))
            RETURNING id, task, attempt, url, payload, tries, enqueued_at
            """
        }

        static let release = Statement(
            "webhook.release", "UPDATE webhooks SET claimed_until = 0 WHERE state = 'pending' AND claimed_until > 0")
        static let retry = Statement(
            "webhook.retry",
            """
            UPDATE webhooks SET tries = tries + 1, due_at = $2, claimed_until = 0, error = $3
            WHERE id = $1 AND state = 'pending'
            """)
        static let close = Statement(
            "webhook.close",
            """
            UPDATE webhooks SET state = $2, done_at = $3, error = $4, tries = tries + 1
            WHERE id = $1 AND state = 'pending'
            """)
    }
}

extension WebhookDelivery {
    init(row: Row) throws {
        var reader = RowReader(row)
        id = try reader.text()
        task = try reader.text()
        attempt = try reader.int()
        url = try reader.text()
        payload = try reader.textIfPresent()
        tries = try reader.int()
        enqueuedAt = try reader.time()
    }
}
