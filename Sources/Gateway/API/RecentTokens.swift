internal import Digests
import Synchronization

/// Listed tokens that were presented lately, so that a client's polls don't have the same digest made each time.
///
/// Only what was found in the list gets here. Tokens are compared in constant time, as their digests are.
final class RecentTokens: Sendable {
    private struct Known: Sendable {
        let token: [UInt8]
        let entry: TokenGuard.Entry
    }

    private struct State {
        var known: [Known] = []
        /// The place that the next one takes once all are taken.
        var next = 0
    }

    /// Few, since each is compared with.
    private static let limit = 8
    private let state = Mutex(State())

    /// The entry of a token that was noted; nil for any other, which says nothing about it.
    func entry(of token: String) -> TokenGuard.Entry? {
        var token = token
        return token.withUTF8 { asked in
            state.withLock { state in
                for known in state.known {
                    let isEqual = known.token.withUnsafeBytes { ConstantTime.equal($0, UnsafeRawBufferPointer(asked)) }
                    if isEqual { return known.entry }
                }
                return nil
            }
        }
    }

    /// Notes a token that was found in the list.
    func note(_ token: String, _ entry: TokenGuard.Entry) {
        let known = Known(token: Array(token.utf8), entry: entry)
        state.withLock { state in
            if state.known.count < Self.limit { return state.known.append(known) }
            state.known[state.next] = known
            state.next = (state.next + 1) % Self.limit
        }
    }
}
