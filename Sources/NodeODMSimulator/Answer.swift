import HTTPTypes
import NodeODM

/// What a request gets.
struct Answer: Sendable {
    var response: HTTPResponse
    var body: [UInt8]

    init(_ status: HTTPStatus, type: String, _ body: [UInt8]) {
        response = HTTPResponse(status, fields: [.contentType: type])
        response.fields.append(.accessControlAllowOrigin, "*")
        self.body = body
    }

    static func json(_ body: [UInt8]) -> Answer { Answer(.ok, type: "application/json; charset=utf-8", body) }

    static func uuid(_ uuid: String) -> Answer {
        .json(
            JSONWriter.text { json in
                json.beginObject()
                json.pair("uuid") { $0.string(uuid) }
                json.endObject()
            })
    }

    static let success = Answer.json(Array(#"{"success":true}"#.utf8))

    /// NodeODM's errors are answers with status 200 (contract 1.1).
    static func refusal(_ refusal: Refusal) -> Answer {
        .json(
            JSONWriter.text { json in
                json.beginObject()
                if refusal.isAction { json.pair("success") { $0.bool(false) } }
                json.pair("error") { $0.string(refusal.message) }
                if refusal.noRetry { json.pair("noRetry") { $0.bool(true) } }
                json.endObject()
            })
    }

    /// Express answers an unknown path with HTML.
    static let unknownPath = Answer(
        .notFound, type: "text/html; charset=utf-8",
        Array("<!DOCTYPE html><title>Error</title><pre>No such page</pre>".utf8))
}
