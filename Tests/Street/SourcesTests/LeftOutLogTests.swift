import IsthmusTesting
import Logging
import Testing

@testable import Sources

@Suite("what the log says of registrations that can't be used")
struct LeftOutLogTests {
    @Test("the first of each reason has a line, and those that follow are told together")
    func grouped() async throws {
        let (clock, recorder) = (ManualClock(), LogRecorder())
        let log = LeftOutLog("providers", by: "interface", logger: recorder.logger, clock: clock)
        let run = Task { await log.run() }
        for index in 1...100 { log.add("a.S\(index)", count: 2, reason: "no port", example: "dubbo://10.0.0.1/a") }
        log.add("a.Other", count: 1, reason: "no address", example: "dubbo:///a")
        #expect(
            recorder.messages(at: .warning) == [
                "providers left out count: 2, example: dubbo://10.0.0.1/a, interface: a.S1, reason: no port",
                "providers left out count: 1, example: dubbo:///a, interface: a.Other, reason: no address",
            ])
        await clock.someoneSleeps()
        clock.advance(by: .seconds(10))
        await recorder.wait(for: "more providers left out for one reason", count: 1)
        #expect(
            recorder.messages(at: .warning).last
                == "more providers left out for one reason count: 99, interfaces: a.S2, a.S3, a.S4, …, reason: no port")
        run.cancel()
        await run.value
    }
}
