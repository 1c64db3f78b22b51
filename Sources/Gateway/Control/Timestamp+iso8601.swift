internal import HTTPTypes
internal import Model

extension Timestamp {
    /// `2026-11-24T08:00:00.000Z`, as JavaScript writes a date.
    var iso8601: String { RFC3339.text(milliseconds: milliseconds) }
}
