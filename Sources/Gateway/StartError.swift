/// Why the gateway doesn't start.
struct StartError: Error, CustomStringConvertible {
    /// One sentence for people: what is wrong.
    let description: String

    init(_ description: String) { self.description = description }
}
