/// The lines of an exposition as they are written.
struct MetricsText {
    let format: MetricsFormat
    private(set) var text = ""

    init(_ format: MetricsFormat) { self.format = format }

    /// Writes a family's HELP and TYPE lines. OpenMetrics names a counter's family without `_total`.
    mutating func begin(_ name: String, help: String, _ type: MetricType) {
        let family =
            format == .openMetrics && type == .counter && name.hasSuffix("_total") ? String(name.dropLast(6)) : name
        text += "# HELP \(family) \(Exposition.escape(help: help))\n# TYPE \(family) \(type.rawValue)\n"
    }

    /// Writes one sample; `labels` are pairs without braces.
    mutating func sample(_ name: String, suffix: StaticString = "", _ labels: String, _ value: String) {
        text += name
        text += suffix.description
        if !labels.isEmpty {
            text += "{"
            text += labels
            text += "}"
        }
        text += " "
        text += value
        text += "\n"
    }

    /// Writes a histogram.
    /// - Parameters:
    ///   - name: of its family.
    ///   - labels: pairs without braces.
    ///   - bounds: upper bounds, ascending.
    ///   - counts: observations of each bucket alone, one more than there are bounds.
    ///   - sum: of all observations.
    mutating func histogram(_ name: String, _ labels: String, bounds: [Double], counts: [UInt64], sum: Double) {
        // The count is the sum of the buckets read here, so that the last bucket and `_count` always agree.
        var cumulative: UInt64 = 0
        for (index, count) in counts.enumerated() {
            cumulative += count
            let bound = index < bounds.count ? bounds[index] : .infinity
            let pair = "le=\"\(Exposition.bound(bound, format))\""
            sample(name, suffix: "_bucket", labels.isEmpty ? pair : "\(labels),\(pair)", "\(cumulative)")
        }
        sample(name, suffix: "_sum", labels, Exposition.number(sum))
        sample(name, suffix: "_count", labels, "\(cumulative)")
    }

    /// Ends the exposition.
    mutating func end() { if format == .openMetrics { text += "# EOF\n" } }
}
