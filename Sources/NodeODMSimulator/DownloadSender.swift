import Glibc
import HTTPServer
import HTTPTypes
import Reactor

/// Sends an archive: as NodeODM without ranges, or with them where the knob says so (contract 2.10).
struct DownloadSender: Sendable {
    let path: String
    let manner: SimulatedNode.DownloadManner
    let clock: any WorldClock

    private static let pieceBytes = 256 * 1024

    func send(_ request: HTTPRequest, _ response: consuming ResponseWriter) async throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Disk.failure("read", path) }
        defer { close(descriptor) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else { throw Disk.failure("read", path) }
        let size = Int64(facts.st_size)
        var head = HTTPResponse(
            .ok, fields: [.contentType: "application/zip", .contentDisposition: "attachment; filename=all.zip"])
        head.fields.append(.accessControlAllowOrigin, "*")
        var wanted = 0..<size
        if manner.honoursRanges {
            head.fields.append(.acceptRanges, "bytes")
            head.fields.append(.etag, "\"\(facts.st_ino)-\(facts.st_mtim.tv_sec)-\(facts.st_mtim.tv_nsec)\"")
            switch ByteRange.parse(Self.isFresh(request, head) ? request.fields[.range] : nil, size: size) {
            case .range(let range):
                head.status = .partialContent
                head.fields.append(.contentRange, range.contentRange(of: size))
                wanted = range.first..<(range.last + 1)
            case .unsatisfiable:
                head.status = .rangeNotSatisfiable
                head.fields.append(.contentRange, ByteRange.unsatisfiedContentRange(of: size))
                return try await response.send(head)
            case .whole, .ignored: break
            }
        }
        let isHead = response.isHead
        var writer = try await response.start(head, contentLength: Int64(wanted.count))
        if !isHead { try await copy(descriptor, wanted, to: &writer) }
        try await writer.finish()
    }

    /// A range of another version of the file is not what the client wants.
    private static func isFresh(_ request: HTTPRequest, _ head: HTTPResponse) -> Bool {
        request.fields[.ifRange].map { $0 == head.fields[.etag] } ?? true
    }

    /// A cut download returns early: its writer's `finish` then finds too few bytes, and the connection is closed.
    private func copy(_ descriptor: Int32, _ range: Range<Int64>, to writer: inout BodyWriter) async throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.pieceBytes, alignment: 4096)
        defer { buffer.deallocate() }
        let end = manner.cutAfter.map { min(range.upperBound, range.lowerBound + $0) } ?? range.upperBound
        // A tenth of a second's bytes at a time, where the rate is limited.
        let piece = manner.rate > 0 ? min(Int64(buffer.count), max(1, manner.rate / 10)) : Int64(buffer.count)
        var position = range.lowerBound
        while position < end {
            let count = pread(descriptor, buffer.baseAddress, Int(min(piece, end - position)), off_t(position))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            try await writer.write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            position += Int64(count)
            // A client that reads as fast as the disk would keep the loop from everybody else.
            if position & 0xF_FFFF < Int64(count), let loop = EventLoop.current { await loop.yieldToPoll() }
            if manner.rate > 0 { try await clock.sleep(for: .milliseconds(Int64(count) * 1000 / manner.rate)) }
        }
    }
}
