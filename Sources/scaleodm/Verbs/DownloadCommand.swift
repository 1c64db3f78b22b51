import Glibc
internal import Model

/// `scaleodm download UUID`: brings results to a file.
enum DownloadCommand {
    static let verb = Verb(
        name: "download", summary: "download a task's results; a broken download goes on where it was",
        arguments: [.init(name: "UUID", help: "the task")],
        flags: [
            Flag(name: "asset", value: "PATH", fallback: "all.zip", help: "which result"),
            Flag(
                name: "output", letter: "o", value: "FILE", help: "where to; a folder gets the usual name, UUID-ASSET"),
            .gateway, .token,
        ],
        details: """
            The file gets its name once it is whole; until then it is FILE.part. Where the server offers ranges, a broken
            download goes on where it was, also after this command was ended; elsewhere it starts again, and says so.
            """,
        examples: ["scaleodm download 6b2f2fae-4d9c-4b3a-9c7e-1f2d3c4b5a69 -o results.zip"],
        failure: "no such task or asset, not ready, or the download broke off",
        run: { invocation in
            ClientProgram.run("download") { program in try await run(invocation, program) }
        })

    private static func run(_ invocation: Invocation, _ program: ClientProgram) async throws {
        let address = try ServerAddress(invocation, .gateway, token: invocation.value(.token))
        let task = invocation.arguments[0]
        let asset = invocation.value("asset") ?? "all.zip"
        guard TaskID(task) != nil else {
            throw CommandError("`\(task)` is no task's uuid", advice: "See which tasks there are: scaleodm tasks")
        }
        let target = target(invocation.value("output"), task: task, asset: asset)
        let download = Download(
            gateway: GatewayClient(address, program), task: BackendTaskID(task), asset: asset, target: target,
            pool: program.pool)
        let size = try await program.interrupts.ending { try await download.run() }
        Terminal.out("\(target)\n")
        Terminal.err("\(ByteCount(size)) downloaded.\n")
    }

    /// Where it goes.
    static func target(_ wish: String?, task: String, asset: String) -> String {
        let name = "\(task)-\(asset.split(separator: "/").last ?? "asset")"
        guard let wish else { return name }
        var facts = stat()
        let isFolder = stat(wish, &facts) == 0 && facts.st_mode & S_IFMT == S_IFDIR
        return isFolder ? (wish.hasSuffix("/") ? wish + name : "\(wish)/\(name)") : wish
    }
}
