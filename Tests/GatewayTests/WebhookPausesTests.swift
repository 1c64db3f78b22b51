import Testing

@testable import Gateway

@Suite("Pauses between a webhook's tries")
struct WebhookPausesTests {
    @Test("NodeODM's pauses come first, then doubled ones up to an hour")
    func pauses() {
        let pauses = (1...15).map { WebhookPauses.next(failures: $0, age: .seconds(1)) }
        let seconds = [0, 5, 10, 15, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600, 3600]
        #expect(pauses == seconds.map { .seconds($0) })
        #expect(WebhookPauses.next(failures: 100_000, age: .seconds(1)) == .seconds(3600))
    }

    @Test("a receiver that is away for nearly a day is still told, and after a day it is given up")
    func day() {
        var (age, tries) = (Duration.zero, 1)
        while let pause = WebhookPauses.next(failures: tries, age: age) {
            age += pause
            tries += 1
        }
        #expect(age >= .seconds(86_400) && age < .seconds(86_400 + 3600))
        #expect((30...40).contains(tries))
    }
}
