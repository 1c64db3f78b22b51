/// The last samples of one figure, as small integers; its highest value stands for "not known".
///
/// All rings of one history are written at the same place at the same time, so none keeps a place of its own.
struct SampleRing<Value: FixedWidthInteger & UnsignedInteger & Sendable>: Sendable {
    private var values: [Value]

    /// Nothing is known.
    init(capacity: Int) { values = Array(repeating: .max, count: max(1, capacity)) }

    /// What it takes, in bytes.
    var footprint: Int { values.capacity * MemoryLayout<Value>.size }

    /// The sample of a turn; nil where it isn't known. What is too large for the type is its largest number, negative is 0.
    subscript(_ turn: Int) -> Int? {
        get {
            let value = values[turn % values.count]
            return value == .max ? nil : Int(clamping: value)
        }
        set { values[turn % values.count] = newValue.map { min(Value(clamping: $0), .max - 1) } ?? .max }
    }
}
