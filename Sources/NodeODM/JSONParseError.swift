/// Why a text isn't JSON.
public struct JSONParseError: Error, Sendable, Equatable {
    /// A closed set: safe as a metric label.
    public enum Code: String, Sendable { case unexpectedByte, unexpectedEnd, tooDeep }
    /// What kind of failure it was.
    public var code: Code
    /// The byte at which the text stops being JSON, counted from 0.
    public var offset: Int
    /// One sentence for people; clients see it as NodeODM shows its parser's text.
    public var message: String

    init(_ code: Code, at offset: Int, _ message: String) {
        self.code = code
        self.offset = offset
        self.message = message
    }
}
