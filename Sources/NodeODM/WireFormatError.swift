/// Why a node's answer can't be read.
public struct WireFormatError: Error, Sendable {
    /// A closed set: safe as a metric label.
    public enum Code: String, Sendable { case notJSON, notAnObject, notAnArray, missingField }
    /// What kind of failure it was.
    public var code: Code
    /// One sentence for people: which answer, and what was wrong with it.
    public var message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
