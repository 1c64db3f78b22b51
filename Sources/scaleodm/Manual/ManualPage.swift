/// Writes the manual page out of the table, in the man(7) macros that every `man` reads.
enum ManualPage {
    static func text(_ table: VerbTable) -> String {
        var page = Roff()
        page.macro("TH", ["SCALEODM", "1", "", "scaleodm \(table.version)", "User Commands"])
        page.macro("SH", ["NAME"])
        page.text("scaleodm - many NodeODM nodes behind one address")
        page.macro("SH", ["SYNOPSIS"])
        for (index, verb) in table.verbs.enumerated() {
            if index > 0 { page.macro("br") }
            page.text(verb.usage)
        }
        page.macro("SH", ["DESCRIPTION"])
        page.text(
            """
            ScaleODM speaks the NodeODM API to its clients, such as WebODM, and spreads their tasks over many backends. The \
            program is the gateway itself (scaleodm serve) and the operator's and the user's commands to a running one.
            """)
        page.macro("SH", ["COMMANDS"])
        for verb in table.verbs { describe(verb, on: &page) }
        environment(of: table, on: &page)
        ending(on: &page)
        return page.string
    }

    private static func describe(_ verb: Verb, on page: inout Roff) {
        page.macro("SS", [verb.name])
        page.text("\(verb.summary.prefix(1).uppercased())\(verb.summary.dropFirst()).")
        if !verb.details.isEmpty {
            page.macro("PP")
            page.text(verb.details)
        }
        for argument in verb.arguments { page.item(argument.name, help: argument.help) }
        for flag in verb.flags { page.item(names(flag), help: help(flag)) }
        guard !verb.examples.isEmpty else { return }
        page.macro("PP")
        page.text(verb.examples.count == 1 ? "Example:" : "Examples:")
        page.macro("PP")
        page.macro("RS", ["4"])
        page.macro("nf")
        for example in verb.examples { page.text(example) }
        page.macro("fi")
        page.macro("RE")
    }

    private static func names(_ flag: Flag) -> String {
        let long = flag.value.map { "--\(flag.name) \($0)" } ?? "--\(flag.name)"
        return flag.letter.map { "-\($0), \(long)" } ?? long
    }

    private static func help(_ flag: Flag) -> String {
        var text = "\(flag.help.prefix(1).uppercased())\(flag.help.dropFirst())."
        if let variable = flag.environment { text += " The variable \(variable) stands in for it." }
        if let fallback = flag.fallback { text += " Default: \(fallback)." }
        if flag.repeats { text += " May be repeated." }
        if flag.isRequired { text += " Required." }
        return text
    }

    private static func environment(of table: VerbTable, on page: inout Roff) {
        page.macro("SH", ["ENVIRONMENT"])
        var seen: [String] = []
        for flag in table.verbs.flatMap(\.flags) {
            guard let variable = flag.environment, !seen.contains(variable) else { continue }
            seen.append(variable)
            page.item(variable, help: "Stands in for --\(flag.name): \(flag.help).")
        }
        page.item("NO_COLOR", help: "No colours on a terminal.")
        page.item(
            "NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID",
            help: "Set by systemd: scaleodm serve tells it when it is ready, reloading and stopping, and that it lives."
        )
    }

    private static func ending(on page: inout Roff) {
        page.macro("SH", ["FILES"])
        page.item("/etc/scaleodm/gateway.yaml", help: "The inventory of the packaged service.")
        page.item("/etc/scaleodm/environment", help: "Variables that it refers to, such as tokens.")
        page.item("/var/lib/scaleodm", help: "The record and the uploads of the packaged service.")
        page.macro("SH", ["EXIT STATUS"])
        page.item("0", help: "Done.")
        page.item("1", help: "Failed: the message on standard error says what, and what to do.")
        page.item("2", help: "Used wrongly: a verb, flag or word that isn't known, or one that is missing.")
    }
}
