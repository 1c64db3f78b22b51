import Backends

/// What a backend answers to one call.
enum Answer<Value: Sendable>: Sendable {
    case success(Value)
    case failure(BackendError.Code)
}
