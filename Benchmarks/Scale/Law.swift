internal import ArgumentParser
internal import Foundation
internal import IsthmusTesting

/// An event costs in proportion to what it changes, not to the size of the catalog.
struct Law: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The processor time of one change with few services and with many.")

    @Option(help: "How many instances each service has.") var instances = 10
    @Option(parsing: .upToNextOption, help: "How many services.") var services = [1_000, 10_000, 100_000]
    @Option(help: "How many changes are measured each time.") var changes = 20_000
    @Option(help: "A file for the chart.") var svg: String?

    func validate() throws {
        guard !services.isEmpty, services.allSatisfy({ $0 >= Self.batch }), instances > 0, changes > 0 else {
            throw ValidationError("At least \(Self.batch) services are needed, and a change of them.")
        }
    }

    /// How many changes are under way at once. Each is of another service: changes of one would coalesce.
    private static let batch = 64

    func run() async throws {
        var report = MeasurementReport(
            "Processor time of one change, \(instances) instances for each service",
            columns: ["services", "processor time for each change", "ratio to the first"])
        var points: [LineChart.Point] = []
        for count in services {
            var extent = Extent()
            extent.services = count
            extent.instances = instances
            let each = await measure(extent)
            points.append(LineChart.Point(x: Double(count), y: each / .microseconds(1)))
            report.add(grouped(count), each.text, String(format: "%.2f", points[points.count - 1].y / points[0].y))
        }
        report.show(command: Scale.commandLine)
        if let svg {
            let chart = LineChart(
                title: "Processor time of one change", xTitle: "services (\(instances) instances each)",
                yTitle: "µs for each change", points: points)
            try chart.svg.write(toFile: svg, atomically: true, encoding: .utf8)
        }
    }

    /// The median of ten rounds, after one that warms up.
    private func measure(_ extent: Extent) async -> Duration {
        let arrivals = Arrivals()
        let street = Street(extent) { arrivals.observe($0) }
        let batches = max(changes / Self.batch / 10, 1)
        let rounds = Rounds()
        await street.run { emit in
            await street.coldStart(emit)
            var changes = ChangeStream(street.registry)
            var first = 0
            for _ in 0...10 {
                let before = ProcessUsage().cpu
                for _ in 0..<batches {
                    for number in 0..<Self.batch {
                        // A stride that meets all services before it comes back.
                        guard let change = changes.change(of: (first + number) * 7919 % extent.services) else {
                            continue
                        }
                        arrivals.expect(change, since: .now)
                        for event in change.events { await emit(event) }
                    }
                    await arrivals.waitForAll()
                    first += Self.batch
                }
                await rounds.add((ProcessUsage().cpu - before) / (batches * Self.batch))
            }
        }
        return await rounds.median
    }
}

private actor Rounds {
    private var times: [Duration] = []

    func add(_ time: Duration) { times.append(time) }

    var median: Duration {
        let sorted = times.dropFirst().sorted()
        return sorted.isEmpty ? .zero : sorted[sorted.count / 2]
    }
}
