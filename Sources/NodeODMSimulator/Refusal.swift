/// What the node answers as `{"error": "text"}` with status 200.
struct Refusal: Error {
    var message: String
    /// `"noRetry": true` beside it.
    var noRetry = false
    /// `"success": false` beside it.
    var isAction = false

    init(_ message: String, noRetry: Bool = false, isAction: Bool = false) {
        self.message = message
        self.noRetry = noRetry
        self.isAction = isAction
    }

    static let unknownArea = Refusal("Invalid uuid (not found)")
    static let noFile = Refusal("Need at least 1 file.")
    static let unexpectedField = Refusal("Unexpected field")
}
