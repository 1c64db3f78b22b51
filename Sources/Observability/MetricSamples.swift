/// Takes the samples of one family from whoever knows them, while it is scraped.
public struct MetricSamples {
    private let name: String
    private let help: String
    private let type: MetricType
    private let labelNames: [String]
    private var isBegun = false
    var text: MetricsText

    init(_ name: String, help: String, _ type: MetricType, labels: [String], to text: MetricsText) {
        self.name = name
        self.help = help
        self.type = type
        labelNames = labels
        self.text = text
    }

    /// Adds one sample.
    /// - Parameters:
    ///   - value: what it says.
    ///   - labels: the values of its labels, in the order of their names.
    public mutating func add(_ value: Double, _ labels: String...) {
        begin()
        text.sample(name, Self.pairs(labelNames, labels), Exposition.number(value))
    }

    /// Adds one whole number.
    public mutating func add(_ value: some BinaryInteger, _ labels: String...) {
        begin()
        text.sample(name, Self.pairs(labelNames, labels), "\(value)")
    }

    /// Adds one histogram.
    /// - Parameters:
    ///   - bounds: upper bounds, ascending.
    ///   - counts: observations of each bucket alone, one more than there are bounds.
    ///   - sum: of all observations.
    ///   - labels: the values of its labels, in the order of their names.
    public mutating func add(bounds: [Double], counts: [UInt64], sum: Double, _ labels: String...) {
        begin()
        text.histogram(name, Self.pairs(labelNames, labels), bounds: bounds, counts: counts, sum: sum)
    }

    private mutating func begin() {
        guard !isBegun else { return }
        isBegun = true
        text.begin(name, help: help, type)
    }

    static func pairs(_ names: [String], _ values: [String]) -> String {
        var text = ""
        for (index, name) in names.enumerated() {
            if index > 0 { text += "," }
            text += name
            text += "=\""
            text += Exposition.escape(label: index < values.count ? values[index] : "")
            text += "\""
        }
        return text
    }
}

/// A family whose samples are known elsewhere.
struct SampledFamily: ExposedFamily {
    let name: String
    let help: String
    let type: MetricType
    let labelNames: [String]
    let read: @Sendable (inout MetricSamples) -> Void

    func expose(to text: inout MetricsText) {
        var samples = MetricSamples(name, help: help, type, labels: labelNames, to: text)
        read(&samples)
        text = samples.text
    }
}
