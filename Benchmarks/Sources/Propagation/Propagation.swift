import Foundation
import Kubernetes
import Measuring
import ZooKeeper

/// How long a change in the registry takes to stand in the cluster, and what the bridge asks for when nothing changes.
///
/// Each change is compared with what the API server alone needs: a client that only writes the same object, seen through the same
/// watch, in the same run.
@main
struct Propagation {
    static let changes = 200
    static let idle = Duration.seconds(30)
    static let namespace = "measured"
    static let interface = "com.acme.Measured"
    static let object = "com.acme.measured.v-1-0-0"

    static func main() async throws {
        try await Stage.run { stage in
            try await stage.server.createNamespace(namespace)
            try await stage.registry.ensurePath("/dubbo/\(interface)/providers")
            try await stage.withBridge(namespace: namespace) { bridge in
                try await measure(stage)
                try await measureIdle(stage, pid: bridge.pid)
            }
        }
    }

    private static func measure(_ stage: Stage) async throws {
        var events = stage.cluster.watcher(
            Stage.entries, namespace: namespace, listing: .metadataOnly, watching: .metadataOnly
        ).makeAsyncIterator()
        func nextChange() async {
            while let event = await events.next() {
                if case .changed = event { return }
            }
        }
        while let event = await events.next() {
            if case .listComplete = event { break }
        }
        try await stage.register(interface, 0)
        await nextChange()

        var throughBridge: [Duration] = []
        var writerAlone: [Duration] = []
        for number in 1...changes {
            // A field that the bridge doesn't own, so that it has nothing to repair.
            var start = ContinuousClock.now
            _ = try await stage.cluster.mergePatch(
                Stage.entries, name: object, namespace: namespace,
                body: Array(#"{"metadata":{"annotations":{"propagation":"\#(number)"}}}"#.utf8))
            await nextChange()
            writerAlone.append(start.duration(to: .now))

            start = .now
            try await stage.register(interface, number)
            await nextChange()
            throughBridge.append(start.duration(to: .now))
        }
        report("registry change → object seen in the cluster", throughBridge)
        report("the same object written by a bare client    ", writerAlone)
        let ratio = percentile(50, throughBridge) / percentile(50, writerAlone)
        print("ratio of the medians: \(rounded(ratio))")
    }

    /// Requests of the bridge to both sides, and its processor time, while nothing changes.
    private static func measureIdle(_ stage: Stage, pid: Int32) async throws {
        let requests = try stage.bridgeRequests().count
        let usage = try ProcessUsage(pid: pid)
        try await Task.sleep(for: idle)
        let asked = try stage.bridgeRequests().dropFirst(requests).map(\.description)
        let cpu = try ProcessUsage(pid: pid).cpu - usage.cpu
        print("idle for \(idle): \(asked.count) requests to the API server \(asked)")
        print("idle for \(idle): \(rounded(cpu / idle * 100)) % of a core, \(usage.resident) MiB resident")
        print("ZooKeeper's view of its connections (lop: the last operation):")
        print(try await stage.zooKeeper.answer(to: "cons").trimmingCharacters(in: .whitespacesAndNewlines))
    }

    private static func percentile(_ percent: Int, _ values: [Duration]) -> Double {
        let sorted = values.sorted()
        return sorted[min(sorted.count * percent / 100, sorted.count - 1)] / .milliseconds(1)
    }

    private static func report(_ name: String, _ values: [Duration]) {
        let p50 = rounded(percentile(50, values))
        let p99 = rounded(percentile(99, values))
        print("\(name): p50 \(p50) ms, p99 \(p99) ms, n \(values.count)")
    }

    private static func rounded(_ value: Double) -> String { String(format: "%.2f", value) }
}
