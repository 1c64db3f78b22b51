internal import Model

extension TaskID {
    /// The task that a client asks for: by its identity, or by the name of one of its workflows (architecture, Identity).
    ///
    /// The workflow of a task with a UUID is `odm-pipeline-UUID`, and that of a later attempt has `-rN` at its end. No identity of a
    /// task looks like either.
    init?(asked text: String) {
        guard let id = TaskID(text) else { return nil }
        self = id
        let prefix = "odm-pipeline-"
        // A UUID has no o: nearly all are told apart by their first letter.
        guard id.key.utf8.first == UInt8(ascii: "o"), id.key.hasPrefix(prefix) else { return }
        let name = Self.withoutAttempt(id.string)
        if let uuid = TaskID(name.dropFirst(prefix.count)), uuid.isUUID {
            self = uuid
        } else if let task = TaskID(name) {
            self = task
        }
    }

    private static func withoutAttempt(_ name: String) -> Substring {
        guard let dash = name.lastIndex(of: "-") else { return name[...] }
        let end = name[name.index(after: dash)...]
        let isAttempt = end.first == "r" && end.count > 1 && end.dropFirst().utf8.allSatisfy { $0 &- 0x30 < 10 }
        // The ten characters of a name may be r and digits too.
        return isAttempt && name[..<dash].utf8.count > "odm-pipeline".utf8.count ? name[..<dash] : name[...]
    }
}
