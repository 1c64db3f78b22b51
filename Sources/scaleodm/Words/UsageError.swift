/// The command line was used wrongly: exit code 2.
struct UsageError: Error, Equatable {
    /// What is wrong, without the program's name.
    var message: String
    /// The verb whose usage is shown; nil for the program's.
    var verb: String?

    /// What is printed.
    func text(in table: VerbTable) -> String {
        let known = verb.flatMap { table.verb($0) }
        let usage = known?.usage ?? "scaleodm VERB …"
        let help = known.map { "scaleodm \($0.name) --help" } ?? "scaleodm --help"
        let place = known.map { "scaleodm \($0.name)" } ?? "scaleodm"
        return "\(place): \(message)\nUsage: \(usage)\nSee: \(help)\n"
    }
}
