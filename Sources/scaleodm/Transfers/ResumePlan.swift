internal import HTTPClient
internal import HTTPTypes

/// Decides how a download goes on: what to ask for, and what an answer means. Pure: no file, no network.
///
/// A part may be continued only where the server offers ranges and vouches, by If-Range, that it is still the same thing:
/// without that the end of a new archive would be glued to the start of an old one (RFC 9110 §13.1.5).
struct ResumePlan: Equatable {
    /// What is there already.
    var size: Int64 = 0
    /// What names the version that it is a part of; nil where the server offered no ranges, or none that is exact.
    var validator: String?

    /// What to do with an answer.
    enum Step: Equatable {
        /// The body goes behind what is there; so many bytes will be the whole.
        case append(total: Int64)
        /// The body is the whole thing from its start; nil: of unknown length.
        case begin(total: Int64?)
        /// All of it is there.
        case complete
        /// What is there is of no use: ask for everything.
        case startAgain
        /// The server is in trouble; the same may work later.
        case tryAgain(String)
        /// It will not work: in the server's own words.
        case refused(String)
        /// The token is missing or wrong.
        case unauthorized
    }

    /// Whether the next request asks for a range.
    var resumes: Bool { size > 0 && validator != nil }

    /// The fields of the next request.
    var fields: HTTPFields {
        var fields = HTTPFields()
        guard resumes, let validator else { return fields }
        fields.append(.range, "bytes=\(size)-")
        fields.append(.ifRange, validator)
        return fields
    }

    /// What an answer means.
    /// - Parameters:
    ///   - head: of the answer to a request with `fields`.
    ///   - asset: what was asked for: NodeODM tells failures with status 200 and JSON.
    /// - Returns: what to do now.
    func step(after head: OutboundHead, asset: String) -> Step {
        switch head.status {
        case 200:
            if Self.isError(head, asset) { return .refused("") }
            return .begin(total: head.fields[.contentLength].flatMap { Int64($0) })
        case 206: return continued(head)
        case 416:
            // Nothing lies behind what is there: it is the whole, if the sizes agree.
            let total = head.fields[.contentRange].flatMap(Self.total)
            return total == size && size > 0 ? .complete : .startAgain
        case 401, 403: return .unauthorized
        case 404, 410: return .refused("not found")
        case 408, 429, 500...599: return .tryAgain("status \(head.status)")
        default: return .refused("status \(head.status)")
        }
    }

    private func continued(_ head: OutboundHead) -> Step {
        guard resumes, let text = head.fields[.contentRange], let range = Self.range(text), range.first == size else {
            return .startAgain
        }
        return .append(total: range.total)
    }

    /// The validator that a later request may use: a strong ETag, else a date; none without ranges.
    /// - Parameter fields: of an answer that began or continued the download.
    /// - Returns: nil where a broken download has to start again.
    static func validator(in fields: HTTPFields) -> String? {
        guard fields[.acceptRanges].map({ ASCII.lowercased($0) == "bytes" }) ?? false || fields[.contentRange] != nil
        else { return nil }
        if let tag = fields[.etag], !tag.hasPrefix("W/"), tag.hasPrefix("\"") { return tag }
        return fields[.lastModified]
    }

    /// NodeODM's failures have no Content-Disposition, which every asset has; JSON assets are told apart by that.
    private static func isError(_ head: OutboundHead, _ asset: String) -> Bool {
        let type = head.fields[.contentType].map { ASCII.lowercased($0) } ?? ""
        guard type.hasPrefix("application/json") else { return false }
        return !asset.hasSuffix("json") || head.fields[.contentDisposition] == nil
    }

    /// `bytes 5-9/10`.
    private static func range(_ text: String) -> (first: Int64, total: Int64)? {
        guard text.hasPrefix("bytes "), let total = total(text) else { return nil }
        let span = text.dropFirst(6).prefix { $0 != "/" }.split(separator: "-")
        guard span.count == 2, let first = Int64(span[0]), let last = Int64(span[1]) else { return nil }
        guard first >= 0, last >= first, last == total - 1 else { return nil }
        return (first, total)
    }

    /// What stands behind the slash; nil for `*`.
    private static func total(_ text: String) -> Int64? {
        text.split(separator: "/").last.flatMap { Int64($0) }
    }
}
