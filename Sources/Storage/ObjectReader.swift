/// One object that is being read, in order. One call at a time.
public protocol ObjectReader: AnyObject, Sendable {
    /// The size of the whole object in bytes, wherever reading began.
    var size: Int64 { get }

    /// The next bytes, at most so many; empty only at the end. Throws `.truncated` where the end comes before `size`.
    func read(upTo count: Int) async throws(StorageError) -> [UInt8]

    /// Gives the object back; later reads throw `.closed`.
    func close() async
}
