import ArgumentParser
import Foundation
import IsthmusTesting
import Kubernetes
import Measuring
import Nacos

/// How long a registration in Nacos takes to stand in the cluster, beside a client that only subscribes and one that only writes;
/// a cold start; what an idle bridge costs; and many changes in one second.
@main
struct NacosRegistration: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "nacos")

    @Argument(help: "The path of isthmus.") var isthmus: String
    @Option(help: "How many services.") var services = 2_000
    @Option(help: "How many instances each service has.") var instances = 5
    @Option(help: "How many single changes.") var changes = 100
    @Option(help: "For how many seconds nothing changes.") var idle = 30
    @Option(help: "How many services change in one second.") var burst = 1_000

    func validate() throws {
        guard services >= burst, instances > 0, changes > 0, idle > 0, burst > 0 else {
            throw ValidationError("There is nothing to measure, or more services change than there are.")
        }
    }

    func run() async throws {
        try await NacosStage.run(isthmus) { [self] stage in
            print("Registering \(grouped(services)) services × \(instances) instances …")
            try await inParallel(services, limit: 16) { service in
                for number in 0..<instances {
                    try await stage.register(name(service), service * instances + number)
                }
            }
            var objects = WatchedEntries(stage)
            let start = ContinuousClock.now
            try await stage.withBridge { bridge in
                try await objects.wait { $0.names.count >= services }
                let cold = start.duration(to: .now)
                let usage = try ProcessUsage(pid: bridge.pid)
                let bare = try await writeBare(stage)
                print(
                    """
                    Cold start: \(cold.text), \(usage.cpu.text) of processor time, \(mebibytes(usage.resident)), at most \
                    \(mebibytes(usage.peakResident)). A bare client writes as many objects in \(bare.text): \
                    \(String(format: "%.2f", cold / bare)) times that.

                    """)
                try await measure(stage, &objects)
                try await measureIdle(stage, pid: bridge.pid)
                try await measureBurst(stage, &objects)
            }
        }
    }

    private func name(_ service: Int) -> String { "shop-\(service)" }

    private func patch(_ stage: NacosStage, _ object: String, _ number: Int) async throws {
        // A field that the bridge doesn't own, so that it has nothing to repair.
        _ = try await stage.cluster.mergePatch(
            Stage.entries, name: object, namespace: NacosStage.namespace,
            body: Array(#"{"metadata":{"annotations":{"benchmark":"\#(number)"}}}"#.utf8))
    }

    /// Creates as many objects of the same kind and size in another namespace.
    private func writeBare(_ stage: NacosStage) async throws -> Duration {
        try await stage.server.createNamespace("bare")
        let start = ContinuousClock.now
        try await inParallel(services, limit: 16) { service in
            let endpoints = (0..<instances).map { number in
                #"{"address":"\#(Stage.address(service * instances + number))","ports":{"http":8080}}"#
            }.joined(separator: ",")
            let name = name(service)
            let body = """
                {"apiVersion":"networking.istio.io/v1beta1","kind":"ServiceEntry","metadata":{"name":"\(name)"},"spec":\
                {"hosts":["\(name).bare"],"ports":[{"number":80,"name":"http","protocol":"HTTP"}],"resolution":"STATIC",\
                "endpoints":[\(endpoints)]}}
                """
            _ = try await stage.cluster.create(
                Stage.entries, namespace: "bare", body: Array(body.utf8), fieldManager: "benchmark",
                replying: .metadataOnly)
        }
        return start.duration(to: .now)
    }

    /// Single changes. The server gathers changes for half a second before it pushes them: what the bridge adds is the time from
    /// the push to the object, less what a bare write of it takes.
    private func measure(_ stage: NacosStage, _ objects: inout WatchedEntries) async throws {
        guard let server = NacosServer(stage.nacos.address) else { throw TestSupportError("no address") }
        let client = NacosClient(NacosClient.Configuration(servers: [server]))
        let pushes = client.events
        let running = Task { await client.run() }
        defer { running.cancel() }
        var events = pushes.makeAsyncIterator()
        while let event = await events.next() { if case .connected = event { break } }
        let service = name(0)
        _ = try await client.subscribe(ServiceKey(name: service))

        var (registered, pushed, written, added): ([Duration], [Duration], [Duration], [Duration]) = ([], [], [], [])
        for number in 0..<changes {
            var start = ContinuousClock.now
            try await patch(stage, service, number)
            try await objects.wait(forChangeOf: service)
            let writer = start.duration(to: .now)
            written.append(writer)

            start = .now
            let registration = Task { try await stage.register(service, services * instances + number) }
            while let event = await events.next() { if case .service = event { break } }
            let push = start.duration(to: .now)
            try await objects.wait(forChangeOf: service)
            let object = start.duration(to: .now)
            try await registration.value
            pushed.append(push)
            registered.append(object)
            added.append(object - push - writer)
        }
        var report = MeasurementReport(
            "\(grouped(changes)) single registrations", columns: ["from → to", "p50", "p99", "max"])
        for (name, durations) in [
            ("a registration → the object is seen", registered),
            ("a registration → a bare subscriber is told", pushed),
            ("a bare client's write of the object → it is seen", written),
            ("what the bridge adds to both", added),
        ] {
            report.add([name] + [50, 99, 100].map { percentile($0, durations).text })
        }
        report.show(
            command: "scripts/benchmark nacos --services \(services) --instances \(instances) --changes \(changes)",
            versions: ["r-nacos"])
    }

    /// Requests of the bridge and its processor time while nothing changes.
    private func measureIdle(_ stage: NacosStage, pid: Int32) async throws {
        let requests = try stage.bridgeRequests().count
        let (bridge, nacos) = (try ProcessUsage(pid: pid), try ProcessUsage(pid: stage.nacos.process.pid))
        try await Task.sleep(for: .seconds(idle))
        let asked = try stage.bridgeRequests().count - requests
        let usage = try ProcessUsage(pid: pid)
        print(
            """
            Idle for \(idle) s: \(asked) requests to the API server, \((usage.cpu - bridge.cpu).text) of processor time, \
            \((try ProcessUsage(pid: stage.nacos.process.pid).cpu - nacos.cpu).text) of r-nacos, \(mebibytes(usage.resident))

            """)
    }

    /// One instance more of each of many services, as fast as the server takes them, beside bare writes of as many objects.
    private func measureBurst(_ stage: NacosStage, _ objects: inout WatchedEntries) async throws {
        let names = (0..<burst).map(name)
        var start = ContinuousClock.now
        try await inParallel(burst, limit: 16) { try await patch(stage, names[$0], -1) }
        let bare = start.duration(to: .now)
        // What was written so far is shown before it counts.
        let seen = objects.changes
        try await objects.wait { objects in names.allSatisfy { (objects.changes[$0] ?? 0) > (seen[$0] ?? 0) } }

        let before = objects.changes
        start = .now
        let first = services * instances + changes
        try await inParallel(burst, limit: 32) { try await stage.register(names[$0], first + $0) }
        let registration = start.duration(to: .now)
        try await objects.wait { objects in names.allSatisfy { (objects.changes[$0] ?? 0) > (before[$0] ?? 0) } }
        let all = start.duration(to: .now)
        print(
            """
            \(grouped(burst)) services with one instance more: registered in \(registration.text), all in the cluster after \
            \(all.text). A bare client writes as many objects in \(bare.text): \(String(format: "%.2f", all / bare)) times that.
            """)
    }
}
