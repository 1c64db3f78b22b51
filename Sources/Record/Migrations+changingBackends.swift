extension Migrations {
    /// Version 3: backends that were added while a gateway ran, and a short way to what each backend holds of ours.
    static let changingBackends = [
        "ALTER TABLE backends ADD COLUMN added BIGINT NOT NULL DEFAULT 0",
        "CREATE INDEX attempts_copies ON attempts (backend) WHERE copy = 1",
    ]
}
