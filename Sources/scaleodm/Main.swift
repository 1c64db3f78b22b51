import Glibc

/// The program: finds the verb and runs it.
@main
struct Main {
    static func main() {
        let words = Array(CommandLine.arguments.dropFirst())
        do throws(UsageError) {
            switch try Verbs.table.read(words, environment: { getenv($0).map { String(cString: $0) } }) {
            case .show(let text): Terminal.out(text)
            case .run(let invocation): exit(invocation.verb.run(invocation))
            }
        } catch {
            Terminal.err(error.text(in: Verbs.table))
            exit(2)
        }
    }
}
