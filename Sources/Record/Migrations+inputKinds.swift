extension Migrations {
    /// Version 5: which kinds of files each task has (`InputKinds`), since not every backend takes all; counted for those that are there.
    static let inputKinds = [
        "ALTER TABLE tasks ADD COLUMN input_kinds BIGINT NOT NULL DEFAULT 0",
        "UPDATE tasks SET input_kinds = input_kinds + 1 WHERE id IN (SELECT task FROM files WHERE lower(name) = 'seed.zip')",
        "UPDATE tasks SET input_kinds = input_kinds + 2 WHERE id IN (SELECT task FROM files WHERE \(isSide))",
        """
        UPDATE tasks SET input_kinds = input_kinds + 4
        WHERE id IN (SELECT task FROM files WHERE NOT (\(isSide)) AND NOT (\(isUsual)))
        """,
    ]

    private static let isSide = "lower(name) LIKE '%.txt' OR lower(name) IN ('align.las', 'align.laz', 'align.tif')"
    private static let isUsual = [".jpg", ".jpeg", ".tif", ".tiff", ".zip", ".tar", ".tar.gz"]
        .map { "lower(name) LIKE '%\($0)'" }.joined(separator: " OR ")
}
