internal import Model
internal import Scheduling

extension Fleet {
    /// What a client is told at once, while it still looks, of inputs that no kind of backend listed here can take.
    ///
    /// Kinds don't change by themselves, unlike what a node says of its images: such a task could only wait.
    /// - Parameters:
    ///   - needs: of the task.
    ///   - files: one of those that are too much is named.
    /// - Returns: nil where a listed backend is of a kind that can take them, or none is listed at all.
    func refusal(of needs: TaskNeeds, in files: [InputFile]) -> String? {
        let wanted = needs.intersection(.ofInputs)
        let missing = listed.map { wanted.missing(at: $0.definition.kind) }
        guard let least = missing.min(by: { $0.rawValue.nonzeroBitCount < $1.rawValue.nonzeroBitCount }),
            !least.isEmpty
        else { return nil }
        let file = files.first { !TaskNeeds($0.kinds, choosesOutputs: false, nil).isDisjoint(with: least) }
        let example = file.map { ", such as \($0.name)" } ?? ""
        return "No backend of this gateway takes \(least.text)\(example). "
            + "Send the task without, or ask the gateway's operator for an Argo cluster or a NodeODM node."
    }
}
