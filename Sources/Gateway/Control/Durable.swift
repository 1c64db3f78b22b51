internal import Reactor
internal import Record

/// Carries steps of the control plane through a time without a database: nothing is dropped, it waits.
struct Durable: Sendable {
    let clock: any WorldClock

    /// Runs a step until the record takes it.
    /// - Parameter step: safe to repeat: transitions are guarded by the state they leave.
    /// - Returns: what the step returned, and whether an earlier try of it may have been the one that took effect.
    /// - Throws: errors of the record that waiting doesn't cure, and cancellation.
    func run<Result>(_ step: () async throws(RecordError) -> Result) async throws -> (result: Result, isUnsure: Bool) {
        var isUnsure = false
        var pause = Duration.milliseconds(100)
        while true {
            do throws(RecordError) {
                return (try await step(), isUnsure)
            } catch {
                guard error.code == .away else { throw error }
                isUnsure = isUnsure || error.outcomeUnknown
            }
            try await clock.sleep(for: pause)
            pause = min(pause * 2, .seconds(5))
        }
    }
}
