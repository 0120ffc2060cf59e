internal import ArgumentParser
internal import Foundation
internal import IsthmusTesting

/// Changes at a steady rate, however long earlier changes take.
struct Churn: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Changes at a steady rate: how long each takes until it is handed over, and whether memory grows.")

    @OptionGroup var extent: Extent
    @Option(help: "How many providers move in a second.") var rate = 1_000
    @Option(help: "For how many seconds.") var seconds = 20
    @Option(help: "A file for the chart of the latencies.") var svg: String?

    func validate() throws {
        guard rate > 0, seconds > 0 else { throw ValidationError("There is nothing to measure.") }
    }

    func run() async throws {
        let result = await measure()
        result.report.show(command: Scale.commandLine)
        print("Memory at each tenth of the time: \(result.memory.map { mebibytes($0) }.joined(separator: ", "))\n")
        guard let svg else { return }
        let points = [0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999].filter { $0 <= 1 - 1 / Double(result.latencies.count) }
            .map { LineChart.Point(x: (1 / (1 - $0)).rounded(), y: result.latencies.quantile($0) / .milliseconds(1)) }
        let chart = LineChart(
            title: "Change of the registry → handed to the delivery, \(grouped(rate)) changes a second",
            xTitle: "one change in so many takes longer", yTitle: "ms", points: points)
        try chart.svg.write(toFile: svg, atomically: true, encoding: .utf8)
    }

    private struct Outcome: Sendable {
        var report = MeasurementReport("", columns: [])
        var latencies = Histogram()
        var memory: [Int] = []
    }

    private func measure() async -> Outcome {
        let arrivals = Arrivals()
        let street = Street(extent) { arrivals.observe($0) }
        let (rate, seconds) = (rate, seconds)
        let outcome = Observed(Outcome())
        await street.run { [extent] emit in
            await street.coldStart(emit)
            let clock = ContinuousClock()
            var changes = ChangeStream(street.registry)
            let start = clock.now
            let before = ProcessUsage()
            var worstDelay = Duration.zero
            let tenth = max(rate * seconds / 10, 1)
            for number in 0..<(rate * seconds) {
                if number % tenth == 0 { outcome.change { $0.memory.append(ProcessUsage().resident) } }
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
                    "changes", "superseded", "time", "p50", "p99", "max", "generator late by at most",
                    "processor time for each",
                    "memory at the start", "at the end",
                ])
            report.add(
                grouped(latencies.count), grouped(arrivals.superseded), elapsed.text, latencies.quantile(0.5).text,
                latencies.quantile(0.99).text,
                latencies.maximum.text, worstDelay.text, ((after.cpu - before.cpu) / latencies.count).text,
                mebibytes(before.resident), mebibytes(after.resident))
            outcome.change { [report] outcome in
                outcome.report = report
                outcome.latencies = latencies
                outcome.memory.append(after.resident)
            }
        }
        return outcome.value
    }
}
