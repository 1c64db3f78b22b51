internal import Gateway

/// Every verb of the program, in the order of its help.
enum Verbs {
    static let table: VerbTable = VerbTable(
        verbs: [
            ServeCommand.verb, CheckCommand.verb, SubmitCommand.verb, DownloadCommand.verb, TasksCommand.verb,
            TasksShowCommand.verb, TasksOutputCommand.verb,
        ] + TasksChangeCommands.verbs + [BackendsCommand.verb, BackendsRankCommand.verb] + BackendsChangeCommands.verbs
            + [
                ReloadCommand.verb, HealthCommand.verb, DemoCommand.verb, ImportCommand.verb, CompletionsCommand.verb,
                ManCommand.verb,
            ], version: GatewayService.version)
}
