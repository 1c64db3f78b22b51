/// Why a workflow failed, in the words of NodeODM where it has some (the Argo contract, 3.5).
///
/// When retries are over, a workflow's own message says only that; the cause stands at its last pod, as
/// `process: OOMKilled (exit code 137)`.
public struct FailureCause: Sendable, Equatable {
    /// A closed set: safe as a metric label.
    public enum Code: String, Sendable, CaseIterable {
        /// The engine was killed for want of memory.
        case outOfMemory
        /// It ran longer than it may.
        case deadline
        /// There is no such image, or no right to it.
        case imagePull
        /// A secret or a setting that the pod names isn't there.
        case podSetting
        /// No node can take the pod.
        case unschedulable
        /// The node gave the pod up: disk, memory, shutdown.
        case evicted
        /// The inputs couldn't be read.
        case inputs
        /// The output place refused us.
        case output
        /// The engine ended with a code.
        case engine
        /// Somebody ended it in the cluster.
        case terminated
        /// What else Argo says.
        case other
    }

    /// What kind of failure it was.
    public var code: Code
    /// For the task's owner.
    public var message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The engine wanted more memory than its container has.
    static let outOfMemory = FailureCause(.outOfMemory, "Not enough memory")

    /// The cause of a workflow that has failed.
    init(of workflow: WorkflowObject) {
        let pod = workflow.pods.last
        let containers = pod.map { workflow.containers(of: $0) } ?? []
        let failed = containers.filter { ["Failed", "Error"].contains($0.phase) }
        let texts = ([pod?.message] + failed.map(\.message) + [workflow.message]).compactMap { $0 }.filter {
            !$0.isEmpty
        }
        if let known = texts.lazy.compactMap(Self.known).first {
            self = known
        } else if let ended = Self.exit(pod: pod, containers: failed) {
            self = Self.ended(container: ended.container, code: ended.code, texts: texts)
        } else if !workflow.shutdown.isEmpty {
            self.init(.terminated, "The workflow was ended in the cluster")
        } else {
            self.init(
                .other, texts.first { !$0.hasPrefix("retryStrategy") } ?? "The workflow failed and says no reason")
        }
    }

    /// What a text says, by its own words.
    static func known(_ text: String) -> FailureCause? {
        if text.contains("OOMKilled") { return outOfMemory }
        if text.contains("specified deadline") || text.contains("DeadlineExceeded")
            || text.contains("exceeded its deadline")
        {
            return FailureCause(.deadline, "The task took longer than its deadline allows")
        }
        if let stuck = stuck(text) { return stuck }
        if text.hasPrefix("Unschedulable") { return FailureCause(.unschedulable, "No node can take the task: \(text)") }
        if text.contains("low on resource") || text.contains("Evicted") || text.contains("ephemeral local storage") {
            return FailureCause(.evicted, "The node gave the task up: \(text)")
        }
        return nil
    }

    /// What never gets better by waiting.
    static func stuck(_ text: String) -> FailureCause? {
        if ["ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull"].contains(where: text.contains)
        {
            return FailureCause(.imagePull, "An image of the task can't be pulled: \(text)")
        }
        if text.contains("CreateContainerConfigError") || (text.contains("secret") && text.contains("not found")) {
            return FailureCause(.podSetting, "The pod can't be set up: \(text)")
        }
        return nil
    }

    // MARK: Exit codes

    private static func exit(pod: WorkflowNode?, containers: [WorkflowNode]) -> (container: String, code: Int)? {
        if let pod, let found = exit(in: pod.message) { return found }
        for node in containers {
            if let code = node.exitCode ?? exit(in: node.message)?.code { return (node.container, code) }
        }
        return nil
    }

    /// `process: Error (exit code 1)`, also without the container's name.
    private static func exit(in text: String) -> (container: String, code: Int)? {
        guard let mark = text.range(ofText: "exit code ") else { return nil }
        guard let code = Int(text[mark.upperBound...].prefix { $0.isASCII && $0.isNumber }) else { return nil }
        let head = text.prefix { $0 != ":" }
        return (["download", "process", "upload", "finish"].contains(head) ? String(head) : "process", code)
    }

    private static func ended(container: String, code: Int, texts: [String]) -> FailureCause {
        switch (container, code) {
        case ("process", 137): outOfMemory
        case (_, 64): FailureCause(.other, "The pod can't read the task's description")
        case (_, 65): FailureCause(.output, "The results can't be written to the output place")
        case (_, 66): FailureCause(.inputs, "The inputs can't be read from the object store")
        case (_, 67): FailureCause(.inputs, "Not enough images: there is none among the inputs")
        case (_, 68): FailureCause(.inputs, "An archive among the inputs is broken or too large")
        case ("upload", 69): FailureCause(.engine, "The engine left none of the results that were asked for")
        case ("process", 1), ("process", 134), ("process", 139): FailureCause(.engine, "Cannot process dataset")
        case ("process", 132): FailureCause(.engine, "Unsupported CPU")
        case ("process", 3): FailureCause(.engine, "Installation issue")
        case ("process", _): FailureCause(.engine, "Processing failed (\(code))")
        case (_, 137): FailureCause(.other, "The stage \(container) was killed")
        default: FailureCause(.other, "The stage \(container) failed (\(code))")
        }
    }
}

extension String {
    /// The first place of a text.
    func range(ofText mark: String) -> Range<String.Index>? {
        var index = startIndex
        while index < endIndex {
            let rest = self[index...]
            if rest.hasPrefix(mark) { return index..<self.index(index, offsetBy: mark.count) }
            index = self.index(after: index)
        }
        return nil
    }
}
