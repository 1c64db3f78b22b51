/// A request's body on its way from its source into a transfer.
struct Upload: Sendable {
    let source: any BodySource
    /// What was announced to the server; nil for chunks.
    let length: Int64?

    /// How much is read at once.
    private static let step = 131_072

    /// Reads the source until its end, or until the transfer wants no more; a failure aborts the transfer.
    func pump(into transfer: CurlTransfer, over port: CurlPort) async {
        do {
            var sent: Int64 = 0
            while true {
                let bytes = try await source.read(upTo: Self.step)
                sent += Int64(bytes.count)
                try check(sent, isEnd: bytes.isEmpty)
                guard await port.provide(bytes, to: transfer), !bytes.isEmpty else { return }
            }
        } catch let error as HTTPClientError {
            await port.abort(transfer, error)
        } catch {
            await port.abort(
                transfer, HTTPClientError(.sourceFailed, "the body's source failed: \(error)", underlying: error))
        }
    }

    /// A body that differs from its announced length would be taken for a whole one, or for the next request.
    private func check(_ sent: Int64, isEnd: Bool) throws(HTTPClientError) {
        guard let length, sent > length || (isEnd && sent < length) else { return }
        let relation = sent > length ? "is longer than" : "ended after \(sent) of"
        throw HTTPClientError(.sourceFailed, "the body \(relation) the \(length) bytes that were announced")
    }
}
