internal import Record

/// Who asks, as his token tells.
struct Caller: Sendable, Equatable {
    /// The token's name; nil for nobody in particular.
    var owner: String?
    /// Which tasks he may see and change.
    var scope: OwnerScope

    init(owner: String?, scope: OwnerScope) {
        self.owner = owner
        self.scope = scope
    }

    /// Who has a listed token.
    init(token: TokenGuard.Entry) { self.init(owner: token.name, scope: .owner(token.name)) }

    /// Where no tokens are listed everybody sees everything.
    static let everybody = Caller(owner: nil, scope: .everything)
    /// Where tokens are listed but not required, who has none sees what was sent without one.
    static let anonymous = Caller(owner: nil, scope: .owner(nil))
}
