internal import Gateway

/// Every verb of the program, in the order of its help.
enum Verbs {
    static let table = VerbTable(
        verbs: [
            ServeCommand.verb, CheckCommand.verb, SubmitCommand.verb, DownloadCommand.verb, TasksCommand.verb,
            TasksShowCommand.verb, BackendsCommand.verb,
        ] + BackendsChangeCommands.verbs + [ReloadCommand.verb, DemoCommand.verb], version: GatewayService.version)
}
