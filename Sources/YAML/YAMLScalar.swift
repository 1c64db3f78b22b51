/// The text of a scalar, before anyone decides whether it is a number.
public struct YAMLScalar: Sendable, Equatable {
    /// The text to read.
    public let text: String
    /// The text as the file has it; another one where references were replaced.
    public let source: String
    /// Whether it stands without quotes, so that `5` may be a number.
    public let isPlain: Bool
    /// Whether its references couldn't be replaced.
    ///
    /// That was reported; whoever reads it says nothing more.
    public let isBroken: Bool

    /// A scalar of a file.
    public init(_ text: String, isPlain: Bool) {
        self.init(text: text, source: text, isPlain: isPlain, isBroken: false)
    }

    private init(text: String, source: String, isPlain: Bool, isBroken: Bool) {
        self.text = text
        self.source = source
        self.isPlain = isPlain
        self.isBroken = isBroken
    }

    /// The same place of the file after its references were replaced.
    public func replaced(by text: String) -> YAMLScalar {
        YAMLScalar(text: text, source: source, isPlain: isPlain, isBroken: false)
    }

    /// The same place of the file, whose references couldn't be replaced.
    public var broken: YAMLScalar { YAMLScalar(text: text, source: source, isPlain: isPlain, isBroken: true) }

    /// Whether references were replaced in it.
    public var isReplaced: Bool { text != source }

    /// Whether it says nothing: `null`, `~`, or no text at all, without quotes.
    public var isNull: Bool { isPlain && !isBroken && ["", "~", "null", "Null", "NULL"].contains(text) }
}
