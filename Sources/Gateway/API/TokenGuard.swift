internal import Configuration
internal import Digests
internal import HTTPTypes
internal import Record
import Synchronization

/// Turns the token of a request into a caller.
///
/// Tokens are listed by their SHA-256, and every digest is compared in constant time, so neither the list nor the time of an
/// answer gives one away.
final class TokenGuard: Sendable {
    /// One listed token.
    struct Entry: Sendable {
        /// The owner's name in the record.
        var name: String
        /// SHA-256 of the token.
        var digest: SHA256Digest
    }

    private struct Table {
        var entries: [Entry]
        var isRequired: Bool
        let recent = RecentTokens()

        /// With tokens off any token is ignored: PyODM leaks one node's token to another (contract 1.8).
        var isOff: Bool { entries.isEmpty && !isRequired }

        func caller(of token: String) -> Caller? {
            if let known = recent.caller(of: token) { return known }
            let digest = SHA256.digest(of: token)
            var found: Entry?
            for entry in entries where entry.digest == digest { found = entry }
            if let found { recent.note(token, found) }
            return found.map(Caller.init(token:))
        }
    }

    private let table: Mutex<Table>

    /// - Parameters:
    ///   - entries: the listed tokens; none switches tokens off.
    ///   - isRequired: whether an unknown token is refused, rather than anonymous.
    init(_ entries: [Entry], isRequired: Bool) {
        table = Mutex(Table(entries: entries, isRequired: isRequired))
    }

    /// What the inventory lists.
    convenience init(_ auth: AuthSettings) {
        self.init(Self.entries(of: auth), isRequired: auth.required)
    }

    /// From now on these tokens count.
    func replace(_ auth: AuthSettings) {
        let new = Table(entries: Self.entries(of: auth), isRequired: auth.required)
        table.withLock { $0 = new }
    }

    private static func entries(of auth: AuthSettings) -> [Entry] {
        auth.tokens.compactMap { token in
            SHA256Digest(bytes: token.sha256).map { Entry(name: token.name, digest: $0) }
        }
    }

    /// The caller of a request.
    /// - Throws: `unauthorized`.
    func caller(of request: HTTPRequest) throws(APIError) -> Caller {
        if let known = knownCaller(of: request) { return known }
        let table = table.withLock { $0 }
        guard !table.isOff else { return .everybody }
        guard let token = Self.token(of: request), let caller = table.caller(of: token) else {
            if table.isRequired { throw .unauthorized }
            return .anonymous
        }
        return caller
    }

    /// The caller for whom no digest has to be made; nil says nothing about the request.
    private func knownCaller(of request: HTTPRequest) -> Caller? {
        request.withQueryItem("token") { token in
            table.withLock { table in
                table.isOff ? .everybody : token.flatMap { table.recent.caller(of: $0) }
            }
        }
    }

    /// The query's token goes before `Authorization: Bearer` (contract, section 5); the first of several counts.
    private static func token(of request: HTTPRequest) -> String? {
        if let token = request.queryItem("token"), !token.isEmpty { return token }
        guard let field = request.fields[.authorization], field.utf8.count > 7 else { return nil }
        let scheme = field.prefix(7)
        return scheme.lowercased() == "bearer " ? String(field.dropFirst(7)) : nil
    }
}
