import ArgumentParser
import Foundation
import IsthmusTesting
import Kubernetes
import Measuring
import ZooKeeper

/// How long a change in the registry takes to stand in the cluster, and what the bridge asks for when nothing changes.
///
/// Each change is compared with the API server alone: a client that only writes the same object, seen through the same
/// watch, in the same run.
@main
struct Propagation: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "propagation")
    private static let namespace = "measured"
    private static let interface = "com.acme.Measured"

    @OptionGroup var program: BridgeProgram
    @Option(help: "How many providers there are from the beginning.") var providers = 1
    @Option(help: "Where their endpoints stand: inline or workloadEntry.") var endpoints = "inline"
    @Option(help: "How many changes.") var changes = 200
    @Option(help: "For how many seconds nothing changes.") var idle = 30

    func validate() throws {
        guard changes > 0, idle > 0, providers > 0 else { throw ValidationError("There is nothing to measure.") }
        guard ["inline", "workloadEntry"].contains(endpoints) else {
            throw ValidationError("Endpoints stand inline, or each is a workloadEntry.")
        }
    }

    func run() async throws {
        try await Stage.run(program) { [self] stage in
            try await stage.server.createNamespace(Self.namespace)
            try await stage.registry.ensurePath("/dubbo/\(Self.interface)/providers")
            for number in 0..<providers { try await stage.register(Self.interface, number) }
            let before = program.bridge == nil ? "endpoints: \(endpoints)" : nil
            try await stage.withBridge(namespace: Self.namespace, translation: before) { bridge in
                try await measure(stage)
                try await measureIdle(stage, pid: bridge.pid)
            }
        }
    }

    private func measure(_ stage: Stage) async throws {
        let type = endpoints == "inline" ? Stage.entries : Stage.workloads
        var events = stage.cluster.watcher(
            type, namespace: Self.namespace, listing: .metadataOnly, watching: .metadataOnly
        ).makeAsyncIterator()
        var names: Set<String> = []
        /// - Returns: Whether something changed.
        func take() async throws -> Bool {
            switch await events.next() {
            case .changed(let object):
                names.insert(object.metadata.name)
                return true
            case .object(let object): names.insert(object.metadata.name)
            case nil: throw CancellationError()
            default: break
            }
            return false
        }
        func nextChange() async throws {
            while try await !take() {}
        }
        while names.count < (endpoints == "inline" ? 1 : providers) { _ = try await take() }
        guard let object = names.first else { throw TestSupportError("the cluster can't be watched") }

        var throughBridge: [Duration] = []
        var registration: [Duration] = []
        var writerAlone: [Duration] = []
        for number in providers..<(providers + changes) {
            // A field that the bridge doesn't own, so that it has nothing to repair.
            var start = ContinuousClock.now
            _ = try await stage.cluster.mergePatch(
                type, name: object, namespace: Self.namespace,
                body: Array(#"{"metadata":{"annotations":{"propagation":"\#(number)"}}}"#.utf8))
            try await nextChange()
            writerAlone.append(start.duration(to: .now))

            start = .now
            try await stage.register(Self.interface, number)
            registration.append(start.duration(to: .now))
            try await nextChange()
            throughBridge.append(start.duration(to: .now))
        }
        var report = MeasurementReport(
            "\(grouped(changes)) single changes of a service that has \(grouped(providers)) endpoints and more",
            columns: ["from → to", "p50", "p99", "max"])
        report.add("a change in the registry → the object is seen", throughBridge)
        report.add("… of which the registration itself took", registration)
        report.add("a bare client's write of the same object → it is seen", writerAlone)
        report.show(
            command: "scripts/benchmark propagation --providers \(providers) --endpoints \(endpoints)"
                + " --changes \(changes) --idle \(idle)\(program.options)",
            versions: try await stage.versions())
        let ratio = percentile(50, throughBridge) / percentile(50, writerAlone)
        print("The ratio of the medians is \(String(format: "%.2f", ratio)).\n")
    }

    /// Requests of the bridge to both sides, and its processor time, while nothing changes.
    private func measureIdle(_ stage: Stage, pid: Int32) async throws {
        let requests = try stage.bridgeRequests().count
        let usage = try ProcessUsage(pid: pid)
        try await Task.sleep(for: .seconds(idle))
        let asked = try stage.bridgeRequests().dropFirst(requests)
        let kinds = Dictionary(grouping: asked) { "\($0.verb) \($0.resource)" }.sorted { $0.key < $1.key }
            .map { "\($0.value.count) × \($0.key)" }
        let cpu = try ProcessUsage(pid: pid).cpu - usage.cpu
        print(
            """
            Idle for \(idle) s: \(asked.count) requests to the API server (\(kinds.joined(separator: ", "))), \
            \(cpu.text) of processor time, \
            \(mebibytes(usage.resident))
            """)
        print("ZooKeeper's view of its connections (lop: the last operation):")
        print(try await stage.zooKeeper.answer(to: "cons").trimmingCharacters(in: .whitespacesAndNewlines))
    }
}

extension MeasurementReport {
    fileprivate mutating func add(_ name: String, _ durations: [Duration]) {
        add([name] + [50, 99, 100].map { percentile($0, durations).text })
    }
}
