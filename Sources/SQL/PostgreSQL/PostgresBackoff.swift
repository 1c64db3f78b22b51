/// Growing pauses between attempts, each drawn at random so that replicas don't come in step.
///
/// After attempt n the pause lies between half and the whole of `first` · 2^(n−1), at most `most`:
/// with 50 ms and 2 s that is 25–50, 50–100, 100–200 … 1000–2000 ms.
struct PostgresBackoff: Sendable {
    let first: Duration
    let most: Duration

    /// Draws a pause.
    /// - Parameter attempt: the one that failed, from 1.
    /// - Returns: how long to wait before the next.
    func pause(after attempt: Int) -> Duration {
        let whole = min(first * (1 << min(max(attempt - 1, 0), 20)), most)
        return whole / 2 + whole * Double.random(in: 0...0.5)
    }
}
