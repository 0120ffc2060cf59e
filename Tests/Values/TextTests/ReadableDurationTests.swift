import Testing
import Text

@Suite("a duration for people")
struct ReadableDurationTests {
    @Test(
        "it has the one unit that suits it, and at most three digits below a day",
        arguments: [
            (Duration.zero, "0 s"), (.seconds(-3), "0 s"), (.microseconds(12), "12 µs"), (.nanoseconds(940), "0.9 µs"),
            (.microseconds(1_230), "1.2 ms"), (.milliseconds(250), "250 ms"), (.microseconds(99_960), "100 ms"),
            (.milliseconds(1_000), "1 s"), (.milliseconds(13_420), "13.4 s"), (.seconds(45), "45 s"),
            (.seconds(300), "5 min"), (.seconds(130), "2.2 min"), (.seconds(3_600), "1 h"),
            (.seconds(11_530), "3.2 h"), (.seconds(90_000), "25 h"), (.seconds(180_000), "2.1 d"),
            (.seconds(86_400 * 730), "730 d"),
        ])
    func readable(duration: Duration, text: String) {
        #expect(duration.readable == text)
    }

    @Test("what rounds to a whole larger unit has that unit")
    func rounding() {
        #expect(Duration.microseconds(999_600).readable == "1 s")
        #expect(Duration.milliseconds(59_970).readable == "1 min")
        #expect(Duration.milliseconds(59_940).readable == "59.9 s")
        #expect(Duration.seconds(3_599).readable == "1 h")
    }

    @Test("the longest duration of all has a text too")
    func longest() {
        #expect(Duration.seconds(Int64.max).readable.hasSuffix(" d"))
    }
}
