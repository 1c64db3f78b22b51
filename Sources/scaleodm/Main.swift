import Glibc

/// The command line: finds the verb and runs it.
@main
struct Main {
    static func main() {
        var arguments = Array(CommandLine.arguments.dropFirst())
        let verb = arguments.isEmpty ? "--help" : arguments.removeFirst()
        switch verb {
        case "serve": exit(ServeCommand.run(arguments))
        case "check": exit(CheckCommand.run(arguments))
        case "--version", "version": Terminal.out("scaleodm \(ServeCommand.version)\n")
        case "--help", "-h", "help": Terminal.out(help)
        default:
            Terminal.err("scaleodm: unknown command \(verb). See scaleodm --help.\n")
            exit(2)
        }
    }

    private static let help = """
        scaleodm: many NodeODM nodes behind one address

          scaleodm serve -c FILE    run the gateway
          scaleodm check FILE       report everything that is wrong in an inventory; --print shows what it means
          scaleodm --version

        """
}
