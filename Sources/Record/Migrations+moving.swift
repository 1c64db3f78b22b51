extension Migrations {
    /// Version 6: whether an attempt is being ended so that its task can begin anew elsewhere.
    static let moving = ["ALTER TABLE attempts ADD COLUMN moving BIGINT NOT NULL DEFAULT 0"]
}
