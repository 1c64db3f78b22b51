/// `webhooks`: who is told of a task's end.
public struct WebhookSettings: Sendable, Equatable {
    /// Told of every task's end, beside the task's own webhook.
    public var url: HTTPURL?
    /// False: no request to a private or link-local address.
    public var allowPrivateAddresses = true
    /// The defaults.
    public init() {}
}
