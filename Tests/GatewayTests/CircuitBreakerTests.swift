import Reactor
import Testing

@testable import Gateway

@Suite("Circuit breaker")
struct CircuitBreakerTests {
    private let start = MonotonicTime(nanoseconds: 0)

    @Test("pauses double from 5 s to 60 s")
    func pauses() {
        var circuit = CircuitBreaker()
        var now = start
        for pause in [5, 10, 20, 40, 60, 60] {
            circuit.failed(at: now)
            #expect(circuit.state(at: now) == .open(until: now + .seconds(pause)))
            now = now + .seconds(pause)
            #expect(circuit.state(at: now) == .halfOpen)
        }
    }

    @Test("half-open lets one task through")
    func probe() {
        var circuit = CircuitBreaker()
        circuit.failed(at: start)
        let later = start + .seconds(5)
        #expect(circuit.state(at: later) == .halfOpen)
        circuit.probing()
        #expect(circuit.state(at: later) != .halfOpen)
        circuit.succeeded()
        #expect(circuit.state(at: later) == .closed)
    }
}
