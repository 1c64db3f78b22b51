internal import HTTPServer
internal import HTTPTypes
internal import Model

/// One request of the API, with its caller known.
struct APICall {
    /// The head.
    let request: HTTPRequest
    /// Who asks.
    let caller: Caller
    /// The task that the path names, as it was written; nil where the path names none.
    let taskText: String?
    /// The asset that the path names.
    let asset: String?

    /// The task that the path names.
    /// - Throws: `refused` with NodeODM's "not found" for text that can't be an id: such a task can't exist.
    func task() throws(APIError) -> TaskID {
        guard let taskText else { throw .noSuchPath }
        guard let id = TaskID(asked: taskText) else { throw .unknownTask(taskText) }
        return id
    }
}
