/// Why a cluster didn't do what it was asked.
public struct ArgoError: Error, Sendable, CustomStringConvertible {
    /// A closed set: safe as a metric label and in a `switch`.
    public enum Code: String, Sendable, CaseIterable {
        /// Nothing of the request can have reached the cluster.
        case notSent
        /// The request left wholly or partly, and no answer came that says what became of it.
        case outcomeUnknown
        /// The cluster refused the object: 400, 422.
        case refused
        /// It refused our token.
        case unauthorized
        /// Our token is good and may not do this.
        case forbidden
        /// There is no such object, in the words of the API itself.
        case notFound
        /// There is no such path or namespace: the address in the inventory is wrong.
        case noSuchPlace
        /// The name is taken, or the object changed meanwhile.
        case conflict
        /// Too many requests.
        case busy
        /// A version of a list or watch that the cluster has forgotten.
        case gone
        /// It asks what can't be done with an object that has ended.
        case alreadyOver
        /// An answer of another shape, such as a proxy's page.
        case malformedAnswer
        /// The caller was cancelled.
        case cancelled
    }

    /// What kind of failure it was.
    public var code: Code
    /// The HTTP status; 0 where there was no answer.
    public var status: Int
    /// One sentence for people.
    public var message: String

    init(_ code: Code, status: Int = 0, _ message: String) {
        self.code = code
        self.status = status
        self.message = message
    }

    /// Code and sentence.
    public var description: String { "\(code.rawValue): \(message)" }
}

extension ArgoError.Code {
    /// Whether nothing of the cluster itself was heard: it is away, or something else answers in its place.
    var isSilence: Bool {
        switch self {
        case .notSent, .outcomeUnknown, .malformedAnswer, .noSuchPlace: true
        case .refused, .unauthorized, .forbidden, .notFound, .conflict, .busy, .gone, .alreadyOver, .cancelled: false
        }
    }
}
