internal import Digests
internal import HTTPTypes
internal import Record

/// Turns the token of a request into a caller.
///
/// Tokens are listed by their SHA-256, and every digest is compared in constant time, so neither the list nor the time of an
/// answer gives one away.
struct TokenGuard: Sendable {
    /// One listed token.
    struct Entry: Sendable {
        /// The owner's name in the record.
        var name: String
        /// SHA-256 of the token.
        var digest: SHA256Digest
    }

    private let entries: [Entry]
    private let isRequired: Bool
    private let recent = RecentTokens()

    /// - Parameters:
    ///   - entries: the listed tokens; none switches tokens off.
    ///   - isRequired: whether an unknown token is refused, rather than anonymous.
    init(_ entries: [Entry], isRequired: Bool) {
        self.entries = entries
        self.isRequired = isRequired
    }

    /// Whether a caller is asked for a token at all.
    var isOn: Bool { !entries.isEmpty || isRequired }

    /// The caller of a request.
    /// - Throws: `unauthorized`.
    func caller(of request: HTTPRequest) throws(APIError) -> Caller {
        // With tokens off any token is ignored: PyODM leaks one node's token to another (contract 1.8).
        guard isOn else { return .everybody }
        guard let token = Self.token(of: request), let entry = entry(of: token) else {
            if isRequired { throw .unauthorized }
            return .anonymous
        }
        return Caller(owner: entry.name, scope: .owner(entry.name))
    }

    /// The query's token goes before `Authorization: Bearer` (contract, section 5); the first of several counts.
    private static func token(of request: HTTPRequest) -> String? {
        if let token = request.queryItem("token"), !token.isEmpty { return token }
        guard let field = request.fields[.authorization], field.utf8.count > 7 else { return nil }
        let scheme = field.prefix(7)
        return scheme.lowercased() == "bearer " ? String(field.dropFirst(7)) : nil
    }

    private func entry(of token: String) -> Entry? {
        if let known = recent.entry(of: token) { return known }
        let digest = SHA256.digest(of: token)
        var found: Entry?
        for entry in entries where entry.digest == digest { found = entry }
        if let found { recent.note(token, found) }
        return found
    }
}
