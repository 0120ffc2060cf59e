internal import ArgumentParser
internal import IsthmusTesting
internal import Kubernetes
internal import Measuring
internal import ZooKeeper

/// How long a change in the registry takes until istiod pushes it, at several rates.
///
/// The writes are real: a watch shows them when istiod's would. The time of istiod's pushes is computed from the rules
/// of its debounce.
@main
struct Arrival: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "arrival")
    private static let namespace = "arrival"

    @OptionGroup var program: BridgeProgram
    @Option(help: "How many services.") var services = 300
    @Option(help: "How many providers each service has.") var providers = 20
    @Option(help: "How many changes a second.") var rates = [2, 10, 30, 100, 300]
    @Option(help: "For how many seconds each rate is kept up.") var seconds = 20
    @Option(help: "The silences after a burst of writes; 0 writes each change at once.") var pauses = ["130ms", "0"]

    func validate() throws {
        guard services > 0, providers > 0, seconds > 0, rates.allSatisfy({ $0 > 0 }) else {
            throw ValidationError("There is nothing to measure.")
        }
    }

    func run() async throws {
        try await Stage.run(program) { [self] stage in
            try await stage.server.createNamespace(Self.namespace)
            let registry = Registry(stage: stage, services: services, providers: providers)
            try await registry.register()
            var report = MeasurementReport(
                "Registry → push of istiod, \(grouped(services)) services × \(providers) providers",
                columns: [
                    "pause", "changes a second", "p50", "p90", "p99", "max", "changes", "writes", "pushes",
                    "never seen", "lost calls of a rolling restart",
                ])
            for pause in pauses {
                try await stage.withBridge(namespace: Self.namespace, pause: pause) { _ in
                    for rate in rates { report.add([pause] + (try await measure(stage, registry, rate))) }
                }
            }
            let command =
                "scripts/benchmark arrival --services \(services) --providers \(providers) --seconds \(seconds)"
            report.show(command: command + program.options, versions: try await stage.versions())
        }
    }

    /// - Returns: The cells of the report from the rate on.
    private func measure(_ stage: Stage, _ registry: Registry, _ rate: Int) async throws -> [String] {
        let cluster = WatchedCluster(stage, namespace: Self.namespace)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await cluster.follow() }
            defer { group.cancelAll() }
            try await eventually("every service has its object", within: .seconds(300)) {
                cluster.objectCount == services
            }
            // The first sync is over, and istiod has pushed it.
            try await Task.sleep(for: .seconds(12))
            var changes = ChangeList(start: .now)
            let restart = Restart(start: .now)
            async let restarted: Void = restart.run(registry)
            try await registry.change(rate, for: .seconds(seconds), &changes)
            try await restarted
            // A push is ten seconds late at most.
            try await Task.sleep(for: .seconds(2))
            let sidecar = Sidecar(cluster.writes, since: changes.start)
            let arrivals = changes.all.map { sidecar.arrival(of: $0) }
            let latencies = arrivals.compactMap(\.self)
            return ["\(rate)"] + [50, 90, 99, 100].map { percentile($0, latencies).text } + [
                grouped(arrivals.count), grouped(sidecar.writeCount), grouped(sidecar.pushCount),
                grouped(arrivals.count - latencies.count), restart.lostCalls(sidecar),
            ]
        }
    }
}
