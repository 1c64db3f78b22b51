internal import Synchronization

/// Composes the parts of a form into one body of known length, without holding files.
final class MultipartSource: BodySource {
    private enum Segment {
        case bytes([UInt8])
        case file(any BodySource, length: Int64)
    }

    private struct State {
        var segment = 0
        /// Bytes already given from the current segment.
        var given: Int64 = 0
    }

    private let segments: [Segment]
    // Read by one reader at a time; the mutex is held between awaits, never over one.
    private let state = Mutex(State())

    /// The whole body's length; nil when it overflows.
    let length: Int64?
    /// What goes into Content-Type.
    let contentType: String

    /// Lays the parts out; the boundary must not occur in any of them, which a random one doesn't.
    init(_ fields: [MultipartField], boundary: String) {
        var segments: [Segment] = []
        var text = ""
        for field in fields {
            text += "--\(boundary)\r\n\(field.head)"
            switch field {
            case .text(_, let value): text += value
            case .file(_, _, _, let length, let source):
                segments.append(.bytes(Array(text.utf8)))
                segments.append(.file(source, length: length))
                text = ""
            }
            text += "\r\n"
        }
        text += "--\(boundary)--\r\n"
        segments.append(.bytes(Array(text.utf8)))
        self.segments = segments
        contentType = "multipart/form-data; boundary=\(boundary)"
        length = segments.reduce(Int64?(0)) { sum, segment in
            guard let sum else { return nil }
            let size =
                switch segment {
                case .bytes(let bytes): Int64(bytes.count)
                case .file(_, let length): length
                }
            let (total, overflow) = sum.addingReportingOverflow(size)
            return overflow || size < 0 ? nil : total
        }
    }

    /// A boundary that no file contains but by malice or a chance of 1 in 2^128.
    static func randomBoundary() -> String {
        var generator = SystemRandomNumberGenerator()
        return "----form" + String(generator.next(), radix: 16) + String(generator.next(), radix: 16)
    }

    func read(upTo limit: Int) async throws -> [UInt8] {
        while true {
            let now = state.withLock { $0 }
            guard now.segment < segments.count else { return [] }
            switch segments[now.segment] {
            case .bytes(let bytes):
                let part = bytes.dropFirst(Int(now.given)).prefix(limit)
                guard !part.isEmpty else {
                    nextSegment()
                    continue
                }
                advance(by: part.count)
                return Array(part)
            case .file(let source, let length):
                if let part = try await read(source, length: length, given: now.given, upTo: limit) { return part }
                nextSegment()
            }
        }
    }

    /// - Returns: nil at the file's end.
    private func read(
        _ source: any BodySource, length: Int64, given: Int64, upTo limit: Int
    ) async throws -> [UInt8]? {
        // One byte more than is left shows a source that holds more than it said.
        let wanted = Int(min(Int64(limit), length - given + 1))
        let part = try await source.read(upTo: wanted)
        guard Int64(part.count) <= length - given else {
            throw HTTPClientError(.sourceFailed, "a file is longer than the \(length) bytes that were announced")
        }
        if part.isEmpty {
            guard given == length else {
                throw HTTPClientError(.sourceFailed, "a file ended after \(given) of \(length) bytes")
            }
            return nil
        }
        advance(by: part.count)
        return part
    }

    private func advance(by count: Int) { state.withLock { $0.given += Int64(count) } }

    private func nextSegment() {
        state.withLock {
            $0.segment += 1
            $0.given = 0
        }
    }

    func rewind() async throws -> Bool {
        for segment in segments {
            if case .file(let source, _) = segment, try await !source.rewind() { return false }
        }
        state.withLock { $0 = State() }
        return true
    }
}
