import ArgumentParser
import Foundation
import IsthmusTesting
import Kubernetes
import Measuring
import ZooKeeper

/// How long a change in the registry takes to stand in the cluster, and what the bridge asks for when nothing changes.
///
/// Each change is compared with what the API server alone needs: a client that only writes the same object, seen through the same
/// watch, in the same run.
@main
struct Propagation: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "propagation")
    private static let namespace = "measured"
    private static let interface = "com.acme.Measured"

    @OptionGroup var program: BridgeProgram
    @Option(help: "How many changes.") var changes = 200
    @Option(help: "For how many seconds nothing changes.") var idle = 30

    func validate() throws {
        guard changes > 0, idle > 0 else { throw ValidationError("There is nothing to measure.") }
    }

    func run() async throws {
        try await Stage.run(program) { [self] stage in
            try await stage.server.createNamespace(Self.namespace)
            try await stage.registry.ensurePath("/dubbo/\(Self.interface)/providers")
            try await stage.withBridge(namespace: Self.namespace) { bridge in
                try await measure(stage)
                try await measureIdle(stage, pid: bridge.pid)
            }
        }
    }

    private func measure(_ stage: Stage) async throws {
        var events = stage.cluster.watcher(
            Stage.entries, namespace: Self.namespace, listing: .metadataOnly, watching: .metadataOnly
        ).makeAsyncIterator()
        func nextChange() async -> String {
            while let event = await events.next() {
                if case .changed(let object) = event { return object.metadata.name }
            }
            return ""
        }
        while let event = await events.next() {
            if case .listComplete = event { break }
        }
        try await stage.register(Self.interface, 0)
        let object = await nextChange()

        var throughBridge: [Duration] = []
        var writerAlone: [Duration] = []
        for number in 1...changes {
            // A field that the bridge doesn't own, so that it has nothing to repair.
            var start = ContinuousClock.now
            _ = try await stage.cluster.mergePatch(
                Stage.entries, name: object, namespace: Self.namespace,
                body: Array(#"{"metadata":{"annotations":{"propagation":"\#(number)"}}}"#.utf8))
            _ = await nextChange()
            writerAlone.append(start.duration(to: .now))

            start = .now
            try await stage.register(Self.interface, number)
            _ = await nextChange()
            throughBridge.append(start.duration(to: .now))
        }
        var report = MeasurementReport(
            "\(grouped(changes)) single changes", columns: ["from → to", "p50", "p99", "max"])
        report.add("a change in the registry → the object is seen", throughBridge)
        report.add("a bare client's write of the same object → it is seen", writerAlone)
        report.show(
            command: "scripts/benchmark propagation --changes \(changes) --idle \(idle)\(program.options)",
            versions: try await stage.versions())
        let ratio = percentile(50, throughBridge) / percentile(50, writerAlone)
        print("The ratio of the medians is \(String(format: "%.2f", ratio)).\n")
    }

    /// Requests of the bridge to both sides, and its processor time, while nothing changes.
    private func measureIdle(_ stage: Stage, pid: Int32) async throws {
        let requests = try stage.bridgeRequests().count
        let usage = try ProcessUsage(pid: pid)
        try await Task.sleep(for: .seconds(idle))
        let asked = try stage.bridgeRequests().dropFirst(requests).map(\.description)
        let cpu = try ProcessUsage(pid: pid).cpu - usage.cpu
        print(
            """
            Idle for \(idle) s: \(asked.count) requests to the API server \(asked), \(cpu.text) of processor time, \
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
