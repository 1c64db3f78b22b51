internal import HTTPTypes
internal import Model

extension RFC3339 {
    /// The moment, in whole milliseconds, of a time as Kubernetes and container logs write it.
    static func timestamp(_ text: String?) -> Timestamp? {
        text.flatMap { nanoseconds($0) }.map { Timestamp(milliseconds: $0 / 1_000_000) }
    }
}
