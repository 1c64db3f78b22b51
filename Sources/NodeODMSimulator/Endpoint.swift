/// The endpoints by the names that knobs and the journal use.
enum Endpoint: String, Sendable, CaseIterable {
    case info, options, `init`, upload, commit, new, list, taskInfo, output, download, cancel, remove, restart, auth,
        page
}
