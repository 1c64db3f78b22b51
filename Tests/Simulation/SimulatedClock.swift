import Reactor

/// The time of a world, as one life of the gateway sees it: after its death nobody sleeps any more.
struct SimulatedClock: WorldClock {
    let world: World
    let life: Life

    func monotonic() -> MonotonicTime { MonotonicTime(nanoseconds: world.now) }
    func wallMilliseconds() -> Int64 { world.wallMilliseconds }

    func sleep(for duration: Duration) async throws {
        guard !life.isDead else { throw CancellationError() }
        let waiter = Waiter<Bool>()
        let event = world.after(duration) { waiter.resolve(true) }
        let hasSlept = await withTaskCancellationHandler {
            await waiter.wait()
        } onCancel: {
            waiter.resolve(false)
        }
        event.callOff()
        guard hasSlept, !life.isDead else { throw CancellationError() }
    }
}
