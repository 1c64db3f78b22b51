import HTTPTypes

/// Reads a multipart body part by part while it comes. Belongs to the task of the request.
public final class MultipartReader {
    private let body: RequestBody
    private let limits: MultipartLimits
    private var scanner: MultipartScanner
    /// The beginning of the delimiter, for data that looked like it.
    private let delimiter: UnsafeMutableRawBufferPointer
    private var input = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
    private var position = 0
    private var number = 0
    private var isInPart = false

    /// A reader that has read nothing yet.
    /// - Parameters:
    ///   - body: the request's body.
    ///   - boundary: as the Content-Type says; nil or malformed throws.
    ///   - limits: bounds of the parts' heads.
    /// - Throws: `malformedMultipart`.
    public init(
        body: RequestBody, boundary: String?, limits: MultipartLimits = MultipartLimits()
    ) throws(HTTPServerError) {
        guard let boundary else { throw .multipart("the multipart boundary is missing or malformed") }
        self.body = body
        self.limits = limits
        scanner = try MultipartScanner(boundary: boundary, limits: limits)
        delimiter = .allocate(byteCount: scanner.delimiter.count, alignment: 1)
        delimiter.copyBytes(from: scanner.delimiter)
    }

    deinit { delimiter.deallocate() }

    /// The next part, after skipping what is left of the current one; nil after the last.
    ///
    /// A body of no bytes at all has no parts.
    /// - Throws: `malformedMultipart`, `multipartTruncated`, and what `RequestBody.next()` throws.
    public func nextPart() async throws(HTTPServerError) -> MultipartPart? {
        while isInPart { _ = try await nextData(ofPart: number) }
        while let event = try await nextEvent() {
            guard case .part(let head) = event else { continue }
            number += 1
            isInPart = true
            return try MultipartPart(head: head, number: number, reader: self, limits: limits)
        }
        return nil
    }

    func nextData(ofPart wanted: Int) async throws(HTTPServerError) -> UnsafeRawBufferPointer? {
        guard isInPart, wanted == number else { return nil }
        switch try await nextEvent() {
        case .data(let range): return UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: input[range]))
        case .delimiterPrefix(let count): return UnsafeRawBufferPointer(rebasing: delimiter[..<count])
        case .part, .partEnd, .end, nil:
            isInPart = false
            return nil
        }
    }

    /// The next event; nil after the end.
    private func nextEvent() async throws(HTTPServerError) -> MultipartScanner.Event? {
        while !scanner.isFinished {
            if let event = try scanner.next(in: input, from: &position) { return event == .end ? nil : event }
            input = UnsafeBufferPointer(start: nil, count: 0)
            position = 0
            guard let piece = try await body.next() else {
                if body.bytesRead == 0 { return nil }
                throw HTTPServerError(.multipartTruncated, "the body ends within the multipart")
            }
            input = piece.bindMemory(to: UInt8.self)
        }
        return nil
    }
}
