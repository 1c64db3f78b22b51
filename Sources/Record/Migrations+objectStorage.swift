extension Migrations {
    /// Version 2: what a task says of object storage, as JSON, and where each attempt's results go, as an s3 URL.
    static let objectStorage = [
        "ALTER TABLE tasks ADD COLUMN object_storage TEXT",
        "ALTER TABLE attempts ADD COLUMN output TEXT",
    ]
}
