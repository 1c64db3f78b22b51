/// Namespace of what one field line consists of.
public enum HTTPField {
    /// A field's name; compared without regard to case (RFC 9110 §5.1), sent as it was written.
    public struct Name: Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
        /// The name as it was written.
        public let text: String

        /// A name known when the program is written; what is no token is a bug, which debug builds trap.
        @inlinable
        public init(stringLiteral text: String) {
            assert(Self.isToken(text), "a field name is a token")
            self.text = text
        }

        /// A name from outside; nil when it is no token.
        public init?(_ text: String) {
            guard Self.isToken(text) else { return nil }
            self.text = text
        }

        @usableFromInline
        static func isToken(_ text: String) -> Bool { !text.isEmpty && text.utf8.allSatisfy(ASCII.isToken) }

        /// Equal when the letters are, in either case.
        public static func == (left: Name, right: Name) -> Bool { ASCII.equalIgnoringCase(left.text, right.text) }

        /// Hashes the lower-case letters.
        public func hash(into hasher: inout Hasher) {
            for byte in text.utf8 { hasher.combine(ASCII.lowercased(byte)) }
        }

        /// The name as it was written.
        public var description: String { text }
    }
}
