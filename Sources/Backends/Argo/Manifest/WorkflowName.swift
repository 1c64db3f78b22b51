public import Model

/// How workflows are called (the Argo contract, 3.1): the task's own id where it has that form, so that a create can be
/// repeated without a second run.
///
/// | task | attempt | workflow |
/// |---|---|---|
/// | `odm-pipeline-bcd2456789` | 1 | `odm-pipeline-bcd2456789` |
/// | `odm-pipeline-bcd2456789` | 3 | `odm-pipeline-bcd2456789-r3` |
/// | `6F9619FF-8B86-D011-B42D-00CF4FC964FF` | 1 | `odm-pipeline-6f9619ff-8b86-d011-b42d-00cf4fc964ff` |
public enum WorkflowName {
    /// What every name starts with.
    public static let prefix = "odm-pipeline-"
    /// Argo refuses longer ones.
    static let longest = 63
    /// No vowels, and nothing that is taken for something else.
    private static let alphabet = Array("bcdfghjklmnpqrstvwxz2456789")

    /// A fresh task id for a submission without an upload.
    /// - Parameter random: ten characters are drawn from it.
    /// - Returns: a name that no other task is likely to have: a clash is as likely as not among 10^7 tasks.
    public static func fresh(_ random: some RandomBits) -> String {
        var name = prefix
        for _ in 0..<10 { name.append(alphabet[Int(random.next() % UInt64(alphabet.count))]) }
        return name
    }

    /// The name of an attempt's workflow.
    /// - Parameters:
    ///   - task: as clients know it.
    ///   - attempt: 1, 2, 3, …
    /// - Returns: nil where the task's id makes no name that Kubernetes takes.
    public static func of(_ task: TaskID, attempt: Int) -> BackendTaskID? {
        let base = task.key.hasPrefix(prefix) ? task.key : prefix + task.key
        let name = attempt > 1 ? "\(base)-r\(attempt)" : base
        return isValid(name) ? BackendTaskID(name) : nil
    }

    /// Whether Kubernetes takes it: a DNS subdomain of at most 63 characters.
    static func isValid(_ name: String) -> Bool {
        guard name.utf8.count <= longest, !name.isEmpty else { return false }
        return name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            guard let first = label.utf8.first, let last = label.utf8.last else { return false }
            guard first != UInt8(ascii: "-"), last != UInt8(ascii: "-") else { return false }
            return label.utf8.allSatisfy {
                (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-")
            }
        }
    }
}
