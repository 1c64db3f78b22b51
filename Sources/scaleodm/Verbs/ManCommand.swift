/// `scaleodm man`: the manual page.
enum ManCommand {
    static let verb: Verb = Verb(
        name: "man", summary: "write the manual page",
        details: "The Debian package brings it along; elsewhere read it with man -l.",
        examples: ["scaleodm man > scaleodm.1", "scaleodm man | man -l -"],
        failure: "never",
        run: { _ in
            Terminal.out(ManualPage.text(Verbs.table))
            return 0
        })
}
