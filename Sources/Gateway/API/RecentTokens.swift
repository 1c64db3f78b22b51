internal import Digests
import Synchronization

/// Listed tokens that were presented lately, so that a client's polls don't have the same digest made each time.
///
/// Only what was found in the list gets here. Tokens are compared in constant time, as their digests are.
final class RecentTokens: Sendable {
    private struct Known: Sendable {
        let token: [UInt8]
        let caller: Caller
    }

    private struct State {
        var known: [Known] = []
        /// The place that the next one takes once all are taken.
        var next = 0
    }

    /// Few, since each is compared with.
    private static let limit = 8
    private let state = Mutex(State())

    /// Whose token that is, if it was noted; nil says nothing about it.
    func caller(of token: UnsafeBufferPointer<UInt8>) -> Caller? {
        state.withLock { state in
            for known in state.known {
                let isEqual = known.token.withUnsafeBytes { ConstantTime.equal($0, UnsafeRawBufferPointer(token)) }
                if isEqual { return known.caller }
            }
            return nil
        }
    }

    /// The same for a token as a text.
    func caller(of token: String) -> Caller? {
        var token = token
        return token.withUTF8 { caller(of: $0) }
    }

    /// Notes a token that was found in the list.
    func note(_ token: String, _ entry: TokenGuard.Entry) {
        let known = Known(token: Array(token.utf8), caller: Caller(token: entry))
        state.withLock { state in
            if state.known.count < Self.limit { return state.known.append(known) }
            state.known[state.next] = known
            state.next = (state.next + 1) % Self.limit
        }
    }
}
