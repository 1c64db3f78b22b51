/// A verb failed: exit code 1.
struct CommandError: Error, CustomStringConvertible {
    /// What was wrong.
    var message: String
    /// What to do about it.
    var advice: String?
    /// Whether the gateway refused this one thing, so that others may still be asked for.
    var isAboutOne = false

    init(_ message: String, advice: String? = nil) {
        self.message = message
        self.advice = advice
    }

    /// As it is printed.
    var description: String { advice.map { "\(message)\n  \($0)" } ?? message }
}

extension CommandError {
    /// The gateway knows no such task.
    static func noTask(_ uuid: String) -> CommandError {
        CommandError("\(uuid.printable) not found", advice: "See which tasks there are: scaleodm tasks")
    }
}
