internal import NodeODM

/// What a handler answers, beside what it throws.
enum APIReply: Sendable, Equatable {
    /// Status 200, `application/json`.
    case json([UInt8])
    /// Status 200, `text/plain`.
    case text([UInt8])

    /// Status 503, `application/json`: a probe that found something wrong.
    case unready([UInt8])

    /// `{"uuid": …}`.
    static func uuid(_ uuid: String) -> APIReply {
        var json = JSONWriter(reserving: 64)
        json.beginObject()
        json.key("uuid")
        json.string(uuid)
        json.endObject()
        return .json(json.bytes)
    }

    /// `{"success": true}`.
    static let success = APIReply.json(Array(#"{"success":true}"#.utf8))
}
