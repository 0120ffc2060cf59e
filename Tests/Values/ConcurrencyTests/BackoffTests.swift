import Concurrency
import IsthmusTesting
import Testing

@Suite("a backoff")
struct BackoffTests {
    @Test("delays double from the first to the longest, and the upper half of each is random")
    func doubling() {
        var random = SeededGenerator(seed: 1)
        var backoff = Backoff(from: .seconds(1), to: .seconds(10))
        for limit in [1.0, 2, 4, 8, 10, 10] {
            let delay = backoff.next(using: &random)
            #expect((Duration.seconds(limit / 2)...Duration.seconds(limit)).contains(delay))
        }
        #expect(backoff.failures == 6)
        #expect(Set((0..<100).map { _ in backoff.next(using: &random) }).count > 90)
    }

    @Test("after a success the next failure counts as the first one")
    func reset() {
        var backoff = Backoff(from: .seconds(1), to: .seconds(10))
        for _ in 0..<5 { _ = backoff.next() }
        backoff.reset()
        #expect(backoff.failures == 0)
        #expect(backoff.next() <= .seconds(1))
    }

    @Test("a caller that counts failures itself gets the same delays, however many there were")
    func counted() {
        let backoff = Backoff(from: .milliseconds(500), to: .seconds(30))
        #expect(backoff.limit(afterFailures: 0) == .milliseconds(500))
        #expect(backoff.limit(afterFailures: 3) == .seconds(4))
        #expect(backoff.limit(afterFailures: .max) == .seconds(30))
        #expect((Duration.seconds(15)...Duration.seconds(30)).contains(backoff.delay(afterFailures: 1_000)))
        #expect(backoff.delay(afterFailures: 1, jitter: 0) == .milliseconds(500))
        #expect(backoff.delay(afterFailures: 1, jitter: 1) == .seconds(1))
    }
}
