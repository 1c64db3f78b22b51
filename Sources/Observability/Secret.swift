/// Text that must not appear anywhere by accident: every description of it is `***`.
///
/// It is a value, or a file that is read again when it changes (a token that an operator or a cluster rotates).
public struct Secret: Sendable {
    /// Where a secret came from; safe to print and to keep.
    public enum Origin: Sendable, Equatable {
        /// Written into the file itself.
        case literal
        /// Text with `${NAME}` in it, as the file has it, unexpanded.
        case reference(String)
        /// A file, by its absolute path.
        case file(String)
    }

    private enum Content {
        case value(String)
        case file(SecretFile)
    }

    /// Where it came from.
    public let origin: Origin
    private let content: Content

    /// A secret that is known.
    /// - Parameters:
    ///   - value: the secret.
    ///   - origin: where it came from.
    public init(_ value: String, origin: Origin = .literal) {
        self.origin = origin
        content = .value(value)
    }

    /// A secret in a file.
    ///
    /// One newline at its end isn't part of it.
    /// - Parameter path: absolute, or relative to the working directory.
    /// - Throws: SecretError where it can't be read now.
    public init(file path: String) throws(SecretError) {
        origin = .file(path)
        content = .file(try SecretFile(path: path))
    }

    /// The secret itself.
    ///
    /// Of a file: what it holds now, or what it last held where it can't be read.
    public func reveal() -> String {
        switch content {
        case .value(let value): value
        case .file(let file): file.current()
        }
    }

    /// Compares with text from outside in a time that depends on the lengths alone.
    public func matches(_ other: String) -> Bool {
        let mine = Array(reveal().utf8)
        let theirs = Array(other.utf8)
        var difference: UInt8 = mine.count == theirs.count ? 0 : 1
        for (index, byte) in theirs.enumerated() {
            difference |= byte ^ (index < mine.count ? mine[index] : 0)
        }
        return difference == 0
    }
}

extension Secret: Equatable {
    /// Equal in origin and in what they hold now.
    public static func == (left: Secret, right: Secret) -> Bool {
        left.origin == right.origin && left.matches(right.reveal())
    }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Always `***`.
    public var description: String { "***" }
    /// Always `***`.
    public var debugDescription: String { "***" }
    /// Shows nothing of the inside, so that a dump of something that holds a secret doesn't either.
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}
