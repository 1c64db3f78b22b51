/// Where a request's body comes from, read bit by bit as the server takes it.
public protocol BodySource: AnyObject, Sendable {
    /// The next bytes.
    /// - Parameter limit: at most so many.
    /// - Returns: at least one byte, none at the end.
    /// - Throws: anything; the request then fails with `.sourceFailed`.
    func read(upTo limit: Int) async throws -> [UInt8]
    /// Goes back to the start, for a caller that tries again.
    /// - Returns: false when this source can be read only once.
    /// - Throws: when going back failed.
    func rewind() async throws -> Bool
}
