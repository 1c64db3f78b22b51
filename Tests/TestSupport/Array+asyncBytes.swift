extension [UInt8] {
    /// Lends the bytes to asynchronous code, copied to memory that stays put while it is suspended.
    public func withUnsafeBytesAsync<Result>(
        _ body: (UnsafeRawBufferPointer) async throws -> Result
    ) async rethrows -> Result {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 16)
        defer { copy.deallocate() }
        copy.copyBytes(from: self)
        return try await body(UnsafeRawBufferPointer(copy))
    }
}
