internal import ArgumentParser
internal import IsthmusTesting

/// Changes come at a steady rate, whatever becomes of those before.
struct Churn: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Changes at a steady rate: how long each takes until it is handed over, and whether memory grows.")

    @OptionGroup var extent: Extent
    @Option(help: "How many providers move in a second.") var rate = 1_000
    @Option(help: "For how many seconds.") var seconds = 20

    func validate() throws {
        guard rate > 0, seconds > 0 else { throw ValidationError("There is nothing to measure.") }
    }

    func run() async {
        let arrivals = Arrivals()
        let street = Street(extent) { arrivals.observe($0) }
        let (rate, seconds) = (rate, seconds)
        await street.run { [extent] emit in
            await street.coldStart(emit)
            let clock = ContinuousClock()
            var changes = ChangeStream(street.registry)
            let start = clock.now
            let before = ProcessUsage()
            var worstDelay = Duration.zero
            for number in 0..<(rate * seconds) {
                let due = start + .nanoseconds(1_000_000_000 / rate) * number
                if due > clock.now { try? await clock.sleep(until: due, tolerance: .zero) }
                guard let change = changes.next() else { continue }
                let now = clock.now
                worstDelay = max(worstDelay, now - due)
                arrivals.expect(change, since: now)
                for event in change.events { await emit(event) }
            }
            await arrivals.waitForAll()
            let elapsed = clock.now - start
            let after = ProcessUsage()
            let latencies = arrivals.latencies
            var report = MeasurementReport(
                "Churn: \(grouped(rate)) changes a second among \(grouped(extent.services)) services × "
                    + "\(extent.instances) instances",
                columns: [
                    "changes", "time", "p50", "p99", "max", "generator late by at most", "processor time for each",
                    "memory at the start", "at the end",
                ])
            report.add(
                grouped(latencies.count), elapsed.text, latencies.quantile(0.5).text, latencies.quantile(0.99).text,
                latencies.maximum.text, worstDelay.text, ((after.cpu - before.cpu) / latencies.count).text,
                mebibytes(before.resident), mebibytes(after.resident))
            report.show(command: Scale.commandLine)
        }
    }
}
