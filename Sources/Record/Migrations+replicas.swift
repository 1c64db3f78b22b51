extension Migrations {
    /// Version 3: the lease under which an attempt is carried out; null where one gateway alone does all.
    static let replicas = ["ALTER TABLE attempts ADD COLUMN carrier TEXT"]
}
