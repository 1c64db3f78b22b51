/// What a backend calls a task: a UUID on NodeODM and ScaleODM, a workflow's name on Argo.
public struct BackendTaskID: Hashable, Sendable, CustomStringConvertible {
    /// As the backend spells it.
    public let string: String
    /// Wraps a backend's own text.
    public init(_ text: String) { string = text }
    /// As the backend spells it.
    public var description: String { string }
}
