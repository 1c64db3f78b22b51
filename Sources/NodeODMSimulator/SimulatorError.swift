/// What the simulator can't do.
struct SimulatorError: Error {
    enum Code: String { case arguments, disk, knob }
    var code: Code
    /// One sentence for people: what, where, what to do.
    var message: String
}
