import ArgumentParser
import Foundation
import IsthmusTesting
import Kubernetes
import Measuring
import ZooKeeper

/// How long a cold start takes, against clients that only read the same znodes or write the same objects; and a restart with
/// nothing changed.
@main
struct ColdSync: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "cold")

    @OptionGroup var program: BridgeProgram
    @Option(help: "How many services.") var services = 1_000
    @Option(help: "How many providers each service has.") var providers = 10
    @Option(help: "How often all is done.") var rounds = 3
    @Option(help: "How many writes of the bare client are under way.") var writers = 16

    func validate() throws {
        guard services > 0, providers > 0, rounds > 0, writers > 0 else {
            throw ValidationError("There is nothing to measure.")
        }
    }

    func run() async throws {
        try await Stage.run(program) { [self] stage in
            try await register(stage)
            var report = MeasurementReport(
                "Cold sync of \(grouped(services)) services × \(providers) providers",
                columns: [
                    "round", "bare reader", "bare writer", "its processor time", "bridge", "bridge : bare writer",
                    "processor time of the bridge", "its memory", "at most",
                ])
            var ratios: [Double] = []
            for round in 1...rounds {
                let (cold, bare) = ("cold-\(round)", "bare-\(round)")
                try await stage.server.createNamespace(cold)
                try await stage.server.createNamespace(bare)
                let reader = try await readBare(stage)
                let (bridge, usage) = try await coldStart(stage, namespace: cold)
                let (writer, writerCPU) = try await writeBare(stage, from: cold, to: bare)
                ratios.append(bridge / writer)
                report.add(
                    "\(round)", reader.text, writer.text, share(writerCPU, of: writer), bridge.text,
                    String(format: "%.2f", bridge / writer), share(usage.cpu, of: bridge), mebibytes(usage.resident),
                    mebibytes(usage.peakResident))
            }
            let command =
                "scripts/benchmark cold --services \(services) --providers \(providers) --rounds \(rounds)"
                + " --writers \(writers)\(program.options)"
            report.show(command: command, versions: try await stage.versions())
            print("The median of the ratios is \(String(format: "%.2f", median(ratios))).\n")
            try await restart(stage, namespace: "cold-\(rounds)")
        }
    }

    private func share(_ cpu: Duration, of time: Duration) -> String {
        "\(cpu.text), \(Int(cpu / time * 100)) % of a core"
    }

    private func interface(_ service: Int) -> String { "com.acme.shop.module\(service % 40).Service\(service)" }

    private func register(_ stage: Stage) async throws {
        try await inParallel(services, limit: 64) { service in
            try await stage.registry.ensurePath("/dubbo/\(interface(service))/providers")
            for provider in 0..<providers {
                try await stage.register(interface(service), service * providers + provider)
            }
        }
    }

    private func inParallel(
        _ count: Int, limit: Int, _ body: @escaping @Sendable (Int) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<count {
                if index >= limit { try await group.next() }
                group.addTask { try await body(index) }
            }
            try await group.waitForAll()
        }
    }

    /// Reads the names of all znodes that the bridge has to read.
    private func readBare(_ stage: Stage) async throws -> Duration {
        let start = ContinuousClock.now
        let interfaces = try await stage.registry.children(of: "/dubbo")
        try await inParallel(interfaces.count, limit: 256) { index in
            _ = try await stage.registry.children(of: "/dubbo/\(interfaces[index])/providers")
        }
        return start.duration(to: .now)
    }

    /// From the start of the process to the last object in the cluster.
    private func coldStart(_ stage: Stage, namespace: String) async throws -> (Duration, ProcessUsage) {
        let start = ContinuousClock.now
        var result: (Duration, ProcessUsage)?
        try await stage.withBridge(namespace: namespace) { bridge in
            try await waitForObjects(stage, namespace: namespace, count: services)
            result = (start.duration(to: .now), try ProcessUsage(pid: bridge.pid))
        }
        guard let result else { throw TestSupportError("the bridge did not run") }
        return result
    }

    private func waitForObjects(_ stage: Stage, namespace: String, count: Int) async throws {
        var names = ObjectNames(stage, namespace: namespace)
        await names.wait(for: count)
    }

    /// Creates the same objects in another namespace, seen through the same kind of watch.
    /// - Returns: The time that takes, and the processor time, the watch's among it.
    private func writeBare(_ stage: Stage, from: String, to: String) async throws -> (Duration, cpu: Duration) {
        var bodies: [[UInt8]] = []
        for try await page in stage.cluster.list(Stage.entries, namespace: from) {
            for object in page.objects {
                guard var json = try JSONSerialization.jsonObject(with: Data(object.bytes)) as? [String: Any],
                    let metadata = json["metadata"] as? [String: Any]
                else { continue }
                json["metadata"] = [
                    "name": metadata["name"], "labels": metadata["labels"], "annotations": metadata["annotations"],
                ]
                bodies.append(Array(try JSONSerialization.data(withJSONObject: json)))
            }
        }
        let (all, start, before) = (bodies, ContinuousClock.now, ProcessUsage())
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await waitForObjects(stage, namespace: to, count: all.count) }
            try await inParallel(all.count, limit: writers) { index in
                _ = try await stage.cluster.create(
                    Stage.entries, namespace: to, body: all[index], fieldManager: "benchmark", replying: .metadataOnly)
            }
            try await group.waitForAll()
        }
        return (start.duration(to: .now), ProcessUsage().cpu - before.cpu)
    }

    /// With nothing changed but one service more, which shows when what there was is decided.
    private func restart(_ stage: Stage, namespace: String) async throws {
        try await stage.registry.ensurePath("/dubbo/com.acme.Last/providers")
        try await stage.register("com.acme.Last", 1)
        var names = ObjectNames(stage, namespace: namespace)
        await names.waitForList()
        let before = try stage.bridgeRequests().count
        let start = ContinuousClock.now
        try await stage.withBridge(namespace: namespace) { bridge in
            await names.wait(for: services + 1)
            let ready = start.duration(to: .now)
            let usage = try ProcessUsage(pid: bridge.pid)
            print(
                """
                Restart with one service more: it is there after \(ready.text), processor time \(usage.cpu.text), \
                \(mebibytes(usage.resident)), at most \(mebibytes(usage.peakResident)).
                """)
        }
        print("A bare client reads these objects in \(try await readObjects(stage, namespace: namespace).text).")
        // The server tells of a request a moment after it answered it.
        let writes = try stage.bridgeRequests().dropFirst(before).count { $0.isWrite && $0.resource != "leases" }
        print("The restart wrote \(writes) times, besides the lease.")
    }

    private func readObjects(_ stage: Stage, namespace: String) async throws -> Duration {
        let start = ContinuousClock.now
        for try await _ in stage.cluster.list(Stage.entries, namespace: namespace) {}
        return start.duration(to: .now)
    }
}

/// The names of a namespace's objects, as a list and a watch show them.
private struct ObjectNames {
    private var names: Set<String> = []
    private var events: Watcher.AsyncIterator

    init(_ stage: Stage, namespace: String) {
        events = stage.cluster.watcher(
            Stage.entries, namespace: namespace, listing: .metadataOnly, watching: .metadataOnly
        ).makeAsyncIterator()
    }

    mutating func waitForList() async {
        while let event = await take() {
            if case .listComplete = event { return }
        }
    }

    mutating func wait(for count: Int) async {
        while names.count != count, await take() != nil {}
    }

    private mutating func take() async -> WatcherEvent? {
        let event = await events.next()
        switch event {
        case .object(let object), .changed(let object): names.insert(object.metadata.name)
        case .deleted(let object): names.remove(object.metadata.name)
        case .listBegins, .listComplete, .interrupted, nil: break
        }
        return event
    }
}
