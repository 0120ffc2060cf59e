internal import ArgumentParser
internal import IsthmusTesting

/// A cold start: the time and memory until every resource is delivered.
struct Cold: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "A cold start: time, processor time and memory until everything is handed over.")

    @OptionGroup var extent: Extent

    func run() async {
        let street = Street(extent)
        let clock = ContinuousClock()
        let making = clock.measure {
            for service in 0..<extent.services {
                for slot in 0..<extent.instances {
                    blackHole(street.registry.node(service, address: street.registry.address(service, slot)))
                }
            }
        }
        let before = ProcessUsage()
        let start = clock.now
        var report = MeasurementReport(
            "Cold start: \(grouped(extent.services)) services × \(extent.instances) instances",
            columns: [
                "time", "processor time", "of it for the znodes' names", "peak memory", "per instance", "resources",
            ])
        await street.run { emit in await street.coldStart(emit) }
        let elapsed = clock.now - start
        let after = ProcessUsage()
        let instances = extent.services * extent.instances
        report.add(
            elapsed.text, (after.cpu - before.cpu).text, making.text, mebibytes(after.peakResident),
            "\(grouped((after.peakResident - before.resident) / instances)) B", mebibytes(street.delivery.bytes))
        report.show(command: Scale.commandLine)
    }
}

/// Keeps the optimizer from removing the code that made the value.
@inline(never)
func blackHole<T>(_ value: T) {}
