extension Migrations {
    /// Version 7: who writes to a place in object storage is found without reading all attempts.
    static let resultPlaces = ["CREATE INDEX attempts_writing ON attempts (output) WHERE output IS NOT NULL"]
}
