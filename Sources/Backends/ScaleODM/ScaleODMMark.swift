public import Model

/// The name that a submission gives to its project on another ScaleODM, which itself chooses what the task is called there.
///
/// It is the attempt's name until the answer is there, and by it a task is found whose answer was lost: unlike a place in the
/// object store, no two attempts share one.
public enum ScaleODMMark {
    private static let prefix = "gateway-"

    /// A mark that nobody else makes, of characters that the instance takes in names.
    /// - Parameter random: makes it unique.
    /// - Returns: a name that the instance's own can't be.
    public static func make(_ random: any RandomBits) -> BackendTaskID {
        BackendTaskID("\(prefix)\(TaskID(randomUUID: random).string)")
    }

    /// Whether it is one, and no name that an instance gave: those are names of workflows.
    static func isOne(_ task: BackendTaskID) -> Bool { task.string.hasPrefix(prefix) }
}
