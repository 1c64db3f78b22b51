/// The values of a run as libpq takes them: bytes in binary, all else as text.
struct PostgresParameters {
    /// All values, one after the other; texts end with a NUL.
    private var buffer: [CChar] = [0]
    /// Where each begins; nil is NULL.
    private var offsets: [Int?] = []
    private var lengths: [Int32] = []
    private var formats: [Int32] = []

    /// Encodes values.
    /// - Throws: `.full` for more bytes than the protocol's 31 bits can tell.
    init(_ bound: BoundStatement) throws(DatabaseError) {
        for value in bound.values { try append(value, statement: bound.statement.name) }
    }

    /// How many there are.
    var count: Int32 { Int32(offsets.count) }

    /// Lends libpq's three arrays.
    func withPointers<T>(
        _ body: (UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?) -> T
    ) -> T {
        buffer.withUnsafeBufferPointer { bytes in
            let pointers = offsets.map { offset in offset.flatMap { bytes.baseAddress?.advanced(by: $0) } }
            return pointers.withUnsafeBufferPointer { pointers in
                lengths.withUnsafeBufferPointer { lengths in
                    formats.withUnsafeBufferPointer { formats in
                        body(pointers.baseAddress, lengths.baseAddress, formats.baseAddress)
                    }
                }
            }
        }
    }

    private mutating func append(_ value: SQLValue, statement: String) throws(DatabaseError) {
        switch value {
        case .null:
            offsets.append(nil)
            lengths.append(0)
            formats.append(0)
        case .integer(let integer): appendText(String(integer))
        case .real(let real): appendText("\(real)")
        case .text(let text):
            try check(text.utf8.count, statement)
            appendText(text)
        case .bytes(let bytes):
            try check(bytes.count, statement)
            offsets.append(buffer.count)
            lengths.append(Int32(bytes.count))
            formats.append(1)
            // One more byte, so that an empty value has a place of its own too.
            buffer.append(contentsOf: bytes.lazy.map { CChar(bitPattern: $0) })
            buffer.append(0)
        }
    }

    private mutating func appendText(_ text: String) {
        offsets.append(buffer.count)
        lengths.append(0)  // ignored for text
        formats.append(0)
        buffer.append(contentsOf: text.utf8.lazy.map { CChar(bitPattern: $0) })
        buffer.append(0)
    }

    private func check(_ count: Int, _ statement: String) throws(DatabaseError) {
        guard count < 1 << 30 else {
            throw DatabaseError(.full, "A value of \(count) bytes is too large for PostgreSQL.", statement: statement)
        }
    }
}
