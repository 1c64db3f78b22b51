import Glibc

// Lives through simulated worlds; see docs/reliability.md.
//
//     Simulation [--seeds FIRST-LAST | --seed N] [--processes N] [--within SECONDS] [--trace LINES]
//
// The order of sets and dictionaries is a matter of chance in Swift, unless the environment says otherwise before a program
// starts: so it starts itself once more, and a seed is all that decides.
let variable = "SWIFT_DETERMINISTIC_HASHING"
if getenv(variable) == nil {
    setenv(variable, "1", 1)
    var arguments = CommandLine.arguments.map { strdup($0) } + [nil]
    execv("/proc/self/exe", &arguments)
    print("the program can't be started anew: \(errno)")
    exit(2)
}
guard let plan = Plan(CommandLine.arguments.dropFirst()) else {
    print("Simulation [--seeds FIRST-LAST | --seed N] [--processes N] [--within SECONDS] [--trace LINES]")
    exit(2)
}
exit(plan.carryOut() ? 0 : 1)
