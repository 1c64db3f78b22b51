internal import Configuration
import Synchronization

/// What the inventory allows the owners of tokens, by name; a reload replaces it.
final class OwnerPolicies: Sendable {
    private let policies: Mutex<[String: OwnerPolicy]>

    /// - Parameter policies: who isn't here has the defaults.
    init(_ policies: [String: OwnerPolicy] = [:]) { self.policies = Mutex(policies) }

    /// What the inventory lists.
    convenience init(_ auth: AuthSettings) { self.init(Self.policies(of: auth)) }

    /// One owner's; nil: the defaults.
    subscript(_ owner: String) -> OwnerPolicy? { policies.withLock { $0[owner] } }

    /// All that aren't the defaults.
    var all: [String: OwnerPolicy] { policies.withLock { $0 } }

    /// From now on these count.
    func replace(_ auth: AuthSettings) {
        let new = Self.policies(of: auth)
        policies.withLock { $0 = new }
    }

    private static func policies(of auth: AuthSettings) -> [String: OwnerPolicy] {
        Dictionary(auth.tokens.map { ($0.name, OwnerPolicy($0)) }, uniquingKeysWith: { $1 })
    }
}
