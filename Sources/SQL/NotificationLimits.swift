/// PostgreSQL's limits on NOTIFY, held on both databases.
enum NotificationLimits {
    /// Refuses what PostgreSQL would.
    static func check(channel: String, payload: String) throws(DatabaseError) {
        guard (1...63).contains(channel.utf8.count), !channel.utf8.contains(0) else {
            throw DatabaseError(.invalid, "A channel's name has 1 to 63 bytes, without NUL.")
        }
        guard payload.utf8.count < 8000, !payload.utf8.contains(0) else {
            throw DatabaseError(.invalid, "A notification's payload has at most 7999 bytes, without NUL.")
        }
    }
}
