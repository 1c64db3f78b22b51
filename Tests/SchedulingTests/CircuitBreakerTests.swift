import Model
import Scheduling
import Testing

@Suite("A circuit breaker")
struct CircuitBreakerTests {
    @Test("pauses 5, 10, 20, 40, 60, 60 s, and a success closes it")
    func pauses() {
        var breaker = CircuitBreaker()
        var now = Fixture.at(0)
        for seconds in [5, 10, 20, 40, 60, 60] {
            breaker.fail(at: now)
            let end = now + .seconds(seconds)
            #expect(breaker.state(at: now) == .open(until: end))
            #expect(breaker.state(at: end) == .halfOpen(isProbing: false))
            now = end
        }
        breaker.succeed()
        #expect(breaker.state(at: now) == .closed)
        breaker.fail(at: now)
        #expect(breaker.state(at: now) == .open(until: now + .seconds(5)))
    }

    @Test("failures together are one, and one probe at a time goes through")
    func probing() {
        var breaker = CircuitBreaker()
        for _ in 0..<9 { breaker.fail(at: Fixture.at(0)) }
        breaker.begin(at: Fixture.at(1))
        #expect(breaker.state(at: Fixture.at(5)) == .halfOpen(isProbing: false))
        breaker.begin(at: Fixture.at(5))
        #expect(breaker.state(at: Fixture.at(6)) == .halfOpen(isProbing: true))
        breaker.endProbe()
        #expect(breaker.state(at: Fixture.at(6)) == .halfOpen(isProbing: false))
        breaker.begin(at: Fixture.at(6))
        breaker.fail(at: Fixture.at(7))
        #expect(breaker.state(at: Fixture.at(8)) == .open(until: Fixture.at(17)))
    }
}
