import Concurrency
import IsthmusTesting
import Testing

@Suite("a stopwatch", .timeLimit(.minutes(1)))
struct StopwatchTests {
    private let clock = ManualClock()

    @Test("it shows the time since its start")
    func elapsed() {
        clock.advance(by: .seconds(5))
        let stopwatch = Stopwatch(clock)
        #expect(stopwatch.elapsed == .zero)
        clock.advance(by: .milliseconds(1_500))
        #expect(stopwatch.elapsed == .milliseconds(1_500))
        let erased: any Clock<Duration> = clock
        #expect(Stopwatch(erased).elapsed == .zero)
    }

    @Test("an operation that ends in time gives its outcome")
    func inTime() async throws {
        let outcome = await Stopwatch(clock).run(within: .seconds(1)) { 7 }
        #expect(try outcome?.get() == 7)
        let failure = await Stopwatch(clock).run(within: .seconds(1)) { throw TestSupportError("no") }
        #expect(throws: TestSupportError.self) { try failure?.get() }
    }

    @Test("an operation that takes too long is cancelled, and its end is awaited")
    func tooLong() async {
        let stopwatch = Stopwatch(clock)
        let hasEnded = Observed(false)
        async let outcome = stopwatch.run(within: .seconds(1)) {
            try? await Task.sleep(for: .seconds(3_600))
            hasEnded.change { $0 = true }
        }
        await clock.someoneSleeps()
        clock.advance(by: .seconds(1))
        #expect(await outcome == nil)
        #expect(hasEnded.value)
    }
}
