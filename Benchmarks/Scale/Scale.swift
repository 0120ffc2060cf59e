internal import ArgumentParser
internal import IsthmusTesting

/// Measures the bridge at scale between ends in memory: a generated registry, and a delivery that keeps hashes only.
@main
struct Scale: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scale",
        abstract: "Measures what the bridge costs with many services.",
        subcommands: [Cold.self, CatalogMemory.self, ClusterMemory.self, Churn.self, Law.self, Micro.self])

    static var commandLine: String {
        (["scripts/benchmark scale"] + CommandLine.arguments.dropFirst()).joined(separator: " ")
    }
}

/// The size of the registry.
struct Extent: ParsableArguments {
    @Option(help: "How many services.") var services = 10_000
    @Option(help: "How many instances each service has.") var instances = 10

    func validate() throws {
        guard services > 0, instances > 0 else { throw ValidationError("There is nothing to measure.") }
    }
}
