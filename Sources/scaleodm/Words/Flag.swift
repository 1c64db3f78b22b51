/// One flag of a verb.
struct Flag: Sendable {
    /// Without its hyphens, such as `gateway`.
    var name: String
    /// One letter that means the same.
    var letter: Character?
    /// What help calls its value, such as `URL`; nil for a flag that is there or not.
    var value: String?
    /// Whether it may be given several times.
    var repeats = false
    /// Whether the verb does nothing without it.
    var isRequired = false
    /// The variable that stands in for it.
    var environment: String?
    /// What holds where neither the flag nor the variable is given.
    var fallback: String?
    /// What it does.
    var help: String
    /// All values that it takes, where those are few: completed by shells.
    var choices: [String] = []

    /// As help and usage show it: `--gateway URL`, or `-c FILE` where it has a letter.
    var spelling: String {
        let word = letter.map { "-\($0)" } ?? "--\(name)"
        return value.map { "\(word) \($0)" } ?? word
    }

    /// `--help` of every verb.
    static let help = Flag(name: "help", letter: "h", help: "show this text")

    /// Where the gateway is.
    static let gateway = Flag(
        name: "gateway", value: "URL", environment: "SCALEODM_GATEWAY", fallback: "http://127.0.0.1:31100",
        help: "the gateway")
    /// Where its admin listener is.
    static let admin = Flag(
        name: "admin", value: "URL", environment: "SCALEODM_ADMIN", fallback: "http://127.0.0.1:31101",
        help: "the gateway's admin listener")
    /// What both are shown.
    static let token = Flag(name: "token", value: "TEXT", environment: "SCALEODM_TOKEN", help: "the token it asks for")
    /// For programs.
    static let json = Flag(name: "json", help: "JSON instead of text, for programs")
}
