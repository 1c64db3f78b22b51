internal import HTTPClient
internal import Model
internal import NodeODM

/// Asks the nodes what they know of the tasks that they are said to have: names, options, and whether they still have them.
struct NodeInquiry: Sendable {
    /// What became of one task.
    enum Answer: Sendable {
        /// The node has it.
        case info(TaskInfo)
        /// The node says that it doesn't know it.
        case unknown
        /// The node didn't say.
        case silent(String)
    }

    let http: CurlClient

    /// - Parameter plan: nodes and tasks.
    /// - Returns: an answer for each task, by its uuid.
    func ask(_ plan: ImportPlan) async -> [TaskID: Answer] {
        await withTaskGroup(of: [TaskID: Answer].self) { group in
            for backend in plan.backends {
                let tasks = plan.tasks.filter { $0.backend == backend.name }.map(\.route.task)
                if !tasks.isEmpty { group.addTask { await ask(backend.node, of: tasks) } }
            }
            var answers: [TaskID: Answer] = [:]
            for await found in group { answers.merge(found) { old, _ in old } }
            return answers
        }
    }

    /// One call after the other, so that a node isn't flooded; one that is away is asked once.
    private func ask(_ node: ClusterNode, of tasks: [TaskID]) async -> [TaskID: Answer] {
        var timeouts = NodeODMClient.Timeouts()
        timeouts.call = .seconds(10)
        let endpoint = NodeEndpoint(isTLS: node.port == 443, host: node.hostname, port: node.port, token: node.token)
        let client = NodeODMClient(endpoint: endpoint, client: http, timeouts: timeouts)
        var answers: [TaskID: Answer] = [:]
        var silence: String?
        for task in tasks {
            if let silence {
                answers[task] = .silent(silence)
                continue
            }
            do throws(NodeODMError) {
                answers[task] = .info(try await client.taskInfo(of: BackendTaskID(task.string)))
            } catch {
                switch error.code {
                case .unknownTask: answers[task] = .unknown
                case .notSent, .outcomeUnknown, .unauthorized, .cancelled:
                    silence = error.message
                    answers[task] = .silent(error.message)
                default: answers[task] = .silent(error.message)
                }
            }
        }
        return answers
    }
}
