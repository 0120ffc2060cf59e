internal import ArgumentParser
internal import Catalog
internal import IsthmusTesting
internal import Sources

/// The memory of the catalog alone, and what another full read of the same registry adds to it.
struct CatalogMemory: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "catalog", abstract: "The catalog alone: bytes for each instance, at rest and through a full read."
    )

    @OptionGroup var extent: Extent
    @Option(help: "How many more full reads.") var reads = 2

    func run() {
        let registry = SyntheticRegistry(extent)
        let name = SyntheticRegistry.name
        var catalog = CatalogStore(registries: [name], policy: GuardPolicy())
        _ = registry.list(0)
        let before = ProcessUsage()
        var report = MeasurementReport(
            "The catalog: \(grouped(extent.services)) services × \(extent.instances) instances",
            columns: ["after", "resident", "per instance", "peak", "processor time"])
        var cpu = before.cpu
        for read in 0...reads {
            _ = catalog.apply(.begin, from: name, now: .zero)
            for service in 0..<extent.services { _ = catalog.apply(registry.list(service), from: name, now: .zero) }
            _ = catalog.apply(.complete, from: name, now: .zero)
            let usage = ProcessUsage()
            let resident = usage.resident - before.resident
            report.add(
                read == 0 ? "the first read" : "read \(read + 1)", mebibytes(resident),
                "\(grouped(resident / (extent.services * extent.instances))) B",
                mebibytes(usage.peakResident - before.resident), (usage.cpu - cpu).text)
            cpu = usage.cpu
        }
        withExtendedLifetime(catalog) { report.show(command: Scale.commandLine) }
    }
}
