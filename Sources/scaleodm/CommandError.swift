/// A verb failed: exit code 1.
struct CommandError: Error, CustomStringConvertible {
    /// What was wrong.
    var message: String
    /// What to do about it.
    var advice: String?

    init(_ message: String, advice: String? = nil) {
        self.message = message
        self.advice = advice
    }

    /// As it is printed.
    var description: String { advice.map { "\(message)\n  \($0)" } ?? message }
}
