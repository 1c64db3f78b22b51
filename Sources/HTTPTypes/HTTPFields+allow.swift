extension HTTPFields {
    /// Says which methods a path has, where it doesn't have the one that was tried (RFC 9110 §15.5.6).
    public mutating func appendAllow(_ methods: [HTTPMethod]) {
        append(.allow, methods.map(\.name).joined(separator: ", "))
    }
}
