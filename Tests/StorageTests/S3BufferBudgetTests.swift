import Model
import Testing

@testable import Storage

@Suite("The budget of upload buffers")
struct S3BufferBudgetTests {
    private let mebibyte = 1 << 20

    /// Starts to wait for a buffer, and returns once it is in the queue.
    private func waiting(
        _ budget: S3BufferBudget, _ mebibytes: Int, _ owner: String
    ) async -> Task<S3Reservation?, Never> {
        let before = budget.waiting
        let task = Task { [mebibyte] in try? await budget.reserve(mebibytes * mebibyte, for: owner) }
        while budget.waiting == before { await Task.yield() }
        return task
    }

    @Test("never gives more than there is, and gives it on when it comes back")
    func bound() async throws {
        let budget = S3BufferBudget(.mebibytes(10))
        var first: S3Reservation? = try await budget.reserve(5 * mebibyte, for: "a")
        let second = try await budget.reserve(5 * mebibyte, for: "a")
        #expect(budget.reserveAtOnce(1, for: "b") == nil)
        let waiter = await waiting(budget, 5, "b")
        #expect(budget.inUse == .mebibytes(10))
        first = nil
        #expect(first == nil)
        let third = await waiter.value
        #expect(third?.bytes == 5 * mebibyte)
        #expect(budget.inUse == .mebibytes(10))
        withExtendedLifetime((second, third)) {}
    }

    @Test("all of it comes back")
    func returns() async throws {
        let budget = S3BufferBudget(.mebibytes(10))
        try await withThrowingTaskGroup { group in
            for number in 0..<200 {
                group.addTask { [mebibyte] in
                    let held = try await budget.reserve((1 + number % 5) * mebibyte, for: "task-\(number % 7)")
                    #expect(budget.inUse <= .mebibytes(10))
                    await Task.yield()
                    withExtendedLifetime(held) {}
                }
            }
            try await group.waitForAll()
        }
        #expect(budget.inUse == 0)
        #expect(budget.waiting == 0)
    }

    @Test("while another task waits, a task gets no more than a quarter")
    func quarter() async throws {
        let budget = S3BufferBudget(.mebibytes(40))
        var greedy: [S3Reservation] = []
        for _ in 0..<8 { greedy.append(try await budget.reserve(5 * mebibyte, for: "greedy")) }
        let more = await waiting(budget, 5, "greedy")
        let other = await waiting(budget, 5, "other")
        greedy.removeLast()
        // The one who waited longer has too much.
        let got = await other.value
        #expect(got != nil)
        #expect(budget.waiting == 1)
        // With nobody else waiting he may have it.
        greedy.removeLast()
        let rest = await more.value
        #expect(rest != nil)
        withExtendedLifetime((greedy, got, rest)) {}
    }

    @Test("a large buffer isn't kept waiting by small ones that came later")
    func order() async throws {
        let budget = S3BufferBudget(.mebibytes(40))
        var held: S3Reservation? = try await budget.reserve(32 * mebibyte, for: "a")
        let large = await waiting(budget, 32, "b")
        let small = await waiting(budget, 5, "c")
        #expect(budget.inUse == .mebibytes(32))
        held = nil
        #expect(held == nil)
        let (first, second) = (await large.value, await small.value)
        #expect(budget.inUse == .mebibytes(37))
        withExtendedLifetime((first, second)) {}
    }

    @Test("a cancelled wait ends, and those behind it move up")
    func cancelled() async throws {
        let budget = S3BufferBudget(.mebibytes(10))
        let held = try await budget.reserve(6 * mebibyte, for: "a")
        let large = await waiting(budget, 10, "b")
        let small = await waiting(budget, 4, "c")
        large.cancel()
        #expect(await large.value == nil)
        let got = await small.value
        #expect(got != nil)
        let late = Task { [mebibyte] in
            while !Task.isCancelled { await Task.yield() }
            return try? await budget.reserve(5 * mebibyte, for: "d")
        }
        late.cancel()
        #expect(await late.value == nil)
        #expect(budget.waiting == 0)
        withExtendedLifetime((held, got)) {}
    }

    @Test("one that is too small for a part has room for one")
    func small() async throws {
        let budget = S3BufferBudget(1)
        let held = try await budget.reserve(32 * mebibyte, for: "a")
        #expect(held.bytes == 5 * mebibyte)
    }
}
